"""The networks of `mini` as ONNX: encoder, the mask decoder in two parts, classes and text.

Weights of all but the text are stored in fp16 and computed in fp32: no benchmark here sees the
difference, and the files are half as large. The sentence encoder is int8: matrices by column, token
vectors by row.
"""

import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordmask.errors import missing_extra
from wordmask.lab.export.onnx_files import halve, write_onnx
from wordmask.lab.training.vocabulary import Whitening
from wordmask.model.mini.backbone import CHANNELS
from wordmask.model.mini.classes import ClassNetwork
from wordmask.model.mini.constants import WORDS
from wordmask.model.mini.context import SUMMARY, ContextNetwork
from wordmask.model.mini.decoder import PromptMaps
from wordmask.model.mini.net import MiniNetwork
from wordmask.model.minilm import LONGEST, MiniLM, find_minilm, load_minilm


class EncoderGraph(nn.Module):
    """What is exported as encoder.onnx: pictures in, unit vectors and what other parts read out."""

    def __init__(self, model: MiniNetwork) -> None:
        super().__init__()
        self.model = model

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        trunk = self.model.trunk(picture.to(torch.float32))
        vectors = F.normalize(self.model.to_words(trunk.words), dim=1)
        none, whole = self.model.to_none(trunk.words), self.model.whole_vector(trunk)
        return vectors, none, trunk.neck, trunk.early, whole, trunk.shared


class PrepareGraph(nn.Module):
    """What is exported as prepare.onnx: one picture's features in, what its prompts read out."""

    def __init__(self, model: MiniNetwork) -> None:
        super().__init__()
        self.model = model

    def forward(self, neck: Tensor, early: Tensor, shared: Tensor) -> tuple[Tensor, ...]:
        coarse, fine = self.model.cut_maps(neck, early, shared)
        maps: PromptMaps = self.model.decoder.prepare(coarse, fine)
        return tuple(maps)


class TogetherGraph(nn.Module):
    """What is exported as together.onnx: cells move towards the mean of those that are like them.

    So the cells of one thing agree more on what it is. Columns are of length 1; the mean is over
    `some` of the cells, each of which counts exp(sharpness x cosine).
    """

    def forward(self, cells: Tensor, some: Tensor, share: Tensor, sharpness: Tensor) -> Tensor:
        """cells (D, N), some (D, M), two numbers; returns (D, N)."""
        # The exponent of a cosine is at most 0.
        weights = torch.exp(sharpness * (some.transpose(0, 1) @ cells - 1))
        mean = (some @ weights) / weights.sum(0, keepdim=True)
        return F.normalize(share * mean + (1 - share) * cells, dim=0)


class DepthGraph(nn.Module):
    """What is exported as depth.onnx."""

    def __init__(self, model: MiniNetwork) -> None:
        super().__init__()
        self.model = model

    def forward(self, neck: Tensor) -> Tensor:
        depth: Tensor = self.model.to_depth(neck)
        return depth


class CutterGraph(nn.Module):
    """What is exported as cutter.onnx: one picture's maps and N prompts in, candidates out."""

    def __init__(self, model: MiniNetwork) -> None:
        super().__init__()
        self.decoder = model.decoder

    def forward(
        self,
        cells: Tensor,
        middle: Tensor,
        detail: Tensor,
        xy: Tensor,
        kind: Tensor,
        before: Tensor,
    ) -> tuple[Tensor, Tensor]:
        maps = PromptMaps(cells, middle, detail)
        masks, quality = self.decoder(maps, xy, kind, before)
        return masks, quality.sigmoid()


class SentenceGraph(nn.Module):
    """What is exported as text.onnx: token ids in, whitened unit vectors out.

    Token vectors are int8 here; the matrices become int8 afterwards.
    """

    tokens: Tensor
    sizes: Tensor
    mean: Tensor
    turn: Tensor

    def __init__(self, text: MiniLM, whitening: Whitening) -> None:
        super().__init__()
        rows = text.words.weight.detach()
        sizes = rows.abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
        self.text = text
        self.register_buffer("tokens", (rows / sizes).round().to(torch.int8))
        self.register_buffer("sizes", sizes)
        self.register_buffer("mean", torch.from_numpy(whitening.mean))
        self.register_buffer("turn", torch.from_numpy(whitening.turn))
        places = text.places.weight.detach()[:LONGEST].clone()
        text.places = nn.Embedding.from_pretrained(places)
        text.words = nn.Embedding(1, 1)  # `tokens` stands in for it

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = F.embedding(ids, self.sizes) * F.embedding(ids, self.tokens).to(torch.float32)
        unit = self.text.after(x, mask)
        return F.normalize((unit - self.mean) @ self.turn, dim=1)


def export_encoder(model: MiniNetwork, path: Path) -> None:
    """Any number of pictures, sides divisible by 32."""
    pictures = torch.zeros(2, 3, 320, 384, dtype=torch.uint8)
    batch, height, width = (
        torch.export.Dim(name, min=1, max=64) for name in ("batch", "rows", "columns")
    )
    write_onnx(
        EncoderGraph(model),
        (pictures,),
        path,
        ("picture",),
        ("vectors", "none", "neck", "early", "whole", "shared"),
        ({0: batch, 2: 32 * height, 3: 32 * width},),
    )
    halve(path)


def export_prepare(model: MiniNetwork, path: Path) -> None:
    """One picture of any size whose sides are divisible by 16."""
    neck, (early, shared) = model.from_coarse.in_channels, CHANNELS[:2]
    h, w = (torch.export.Dim(name, min=1, max=2048) for name in ("h", "w"))
    at_8, at_4 = {2: 2 * h, 3: 2 * w}, {2: 4 * h, 3: 4 * w}
    write_onnx(
        PrepareGraph(model),
        (
            torch.randn(1, neck, 40, 48),
            torch.randn(1, early, 80, 96),
            torch.randn(1, shared, 40, 48),
        ),
        path,
        ("neck", "early", "shared"),
        ("cells", "middle", "detail"),
        (at_8, at_4, at_8),
    )
    halve(path)


def export_depth(model: MiniNetwork, path: Path) -> None:
    """One picture of any size whose sides are divisible by 8."""
    neck = torch.randn(1, model.from_coarse.in_channels, 40, 48)
    h, w = (torch.export.Dim(name, min=1, max=4096) for name in ("h", "w"))
    write_onnx(DepthGraph(model), (neck,), path, ("neck",), ("depth",), ({2: h, 3: w},))
    halve(path)


def export_cutter(model: MiniNetwork, path: Path) -> None:
    """Any number of prompts with any number of points, for one picture of any size."""
    with torch.no_grad():
        maker = model.decoder.prepare
        coarse, fine = maker.up.in_channels, maker.up.out_channels
        maps = maker(torch.randn(1, coarse, 40, 48), torch.randn(1, fine, 80, 96))
    prompts = (
        torch.rand(3, 4, 2) * 300,
        torch.zeros(3, 4, dtype=torch.int64),
        torch.zeros(3, 1, 40, 48),
    )
    count, points, h, w = (
        torch.export.Dim(name, min=1, max=4096) for name in ("count", "points", "h", "w")
    )
    write_onnx(
        CutterGraph(model),
        (*maps, *prompts),
        path,
        ("cells", "middle", "detail", "xy", "kind", "before"),
        ("masks", "quality"),
        (
            {2: h, 3: w},
            {2: 2 * h, 3: 2 * w},
            {2: 4 * h, 3: 4 * w},
            {0: count, 1: points},
            {0: count, 1: points},
            {0: count, 2: 2 * h, 3: 2 * w},
        ),
    )
    halve(path)


def export_classes(network: ClassNetwork, path: Path) -> None:
    """For one picture of any size whose sides are divisible by 32."""
    h, w = (torch.export.Dim(name, min=1, max=512) for name in ("h", "w"))
    shared = torch.randn(1, CHANNELS[1], 40, 48)
    write_onnx(network, (shared,), path, ("shared",), ("logits",), ({2: 4 * h, 3: 4 * w},))
    halve(path)


def export_together(path: Path) -> None:
    """For any number of cells and of those that are compared with."""
    cells, some = (torch.export.Dim(name, min=1, max=1 << 24) for name in ("cells", "some"))
    examples = (torch.randn(WORDS, 6), torch.randn(WORDS, 3), torch.tensor(0.5), torch.tensor(9.0))
    ports = ("cells", "some", "share", "sharpness")
    write_onnx(TogetherGraph(), examples, path, ports, ("drawn",), ({1: cells}, {1: some}, {}, {}))


def export_context(network: ContextNetwork, path: Path) -> None:
    """For any number of pictures."""
    batch = torch.export.Dim("batch", min=1, max=4096)
    summary = torch.randn(2, SUMMARY)
    write_onnx(network, (summary,), path, ("summary",), ("direction",), ({0: batch},))
    halve(path)


def export_text(whitening: Whitening, path: Path) -> None:
    """The sentence encoder with the whitening behind it, in int8."""
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:  # it needs onnx
        raise missing_extra("onnx", "export") from error
    module = SentenceGraph(load_minilm(find_minilm()), whitening).eval()
    ids = torch.ones(2, 5, dtype=torch.int64)
    batch = torch.export.Dim("batch", min=1, max=4096)
    length = torch.export.Dim("length", min=2, max=LONGEST)
    axes = {0: batch, 1: length}
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "text.onnx"
        write_onnx(module, (ids, ids.clone()), raw, ("ids", "mask"), ("vectors",), (axes, axes))
        quantize_dynamic(
            raw,
            path,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul", "Gemm"],
        )
