"""A convolution that filters each channel by itself, fast to learn from in bf16 on a CPU.

oneDNN's backward pass of a depthwise convolution takes 3 to 30 times longer in bf16 than in fp32 (measured on
torch 2.13, AVX-512): so under autocast the forward pass runs in bf16 and the backward pass in fp32.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _Mixed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, pad: int
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.shape = stride, pad, bias is not None
        return F.conv2d(x, weight, bias, stride, pad, 1, weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        stride, pad, biased = ctx.shape
        wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], biased]
        channels = weight.shape[0]
        args = (
            [channels] if biased else None,
            [stride] * 2,
            [pad] * 2,
            [1, 1],
            False,
            [0, 0],
            channels,
            wanted,
        )
        dx, dw, db = torch.ops.aten.convolution_backward(
            grads[0].float(), x.float(), weight.float(), *args
        )
        return None if dx is None else dx.to(x.dtype), dw, db, None, None


def filter_channels(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1) -> Tensor:
    """`weight` (C, 1, k, k), padded to keep the size."""
    pad = weight.shape[-1] // 2
    if torch.is_autocast_enabled("cpu"):
        mixed: Tensor = _Mixed.apply(x, weight, bias, stride, pad)
        return mixed
    return F.conv2d(x, weight, bias, stride, pad, 1, weight.shape[0])


class Depthwise(nn.Conv2d):
    """`filter_channels` as a layer; its weights are named as `nn.Conv2d` names them."""

    def __init__(self, dim: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__(dim, dim, kernel, padding=kernel // 2, groups=dim, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return filter_channels(x, self.weight, self.bias)
