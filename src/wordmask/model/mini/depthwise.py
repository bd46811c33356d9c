"""A depthwise convolution whose backward pass is fast under bf16 autocast on a CPU.

oneDNN takes 3 to 30 times longer for that backward pass in bf16 than in fp32 (measured with torch
2.13 and AVX-512). So under autocast the forward pass runs in bf16 and the backward pass in fp32.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _MixedPrecision(torch.autograd.Function):
    """Forward in the dtype that autocast chose, backward in fp32."""

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
        channels = weight.shape[0]
        dx, dw, db = torch.ops.aten.convolution_backward(
            grads[0].float(),
            x.float(),
            weight.float(),
            bias_sizes=[channels] if biased else None,
            stride=[stride] * 2,
            padding=[pad] * 2,
            dilation=[1, 1],
            transposed=False,
            output_padding=[0, 0],
            groups=channels,
            output_mask=[ctx.needs_input_grad[0], ctx.needs_input_grad[1], biased],
        )
        return None if dx is None else dx.to(x.dtype), dw, db, None, None


def filter_channels(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1) -> Tensor:
    """x (B, C, H, W) filtered channel by channel with `weight` (C, 1, k, k), padded to its size."""
    pad = weight.shape[-1] // 2
    if torch.is_autocast_enabled("cpu"):
        mixed: Tensor = _MixedPrecision.apply(x, weight, bias, stride, pad)
        return mixed
    return F.conv2d(x, weight, bias, stride, pad, 1, weight.shape[0])


class Depthwise(nn.Conv2d):
    """`filter_channels` as a layer; its weights are named as `nn.Conv2d` names them."""

    def __init__(self, dim: int, kernel: int, *, bias: bool = True) -> None:
        super().__init__(dim, dim, kernel, padding=kernel // 2, groups=dim, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return filter_channels(x, self.weight, self.bias)
