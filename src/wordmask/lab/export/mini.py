"""From a training checkpoint to the files that `mini` runs on: encoder, cutter, text (ONNX) and words.npz.

Weights of the encoder and the cutter are stored in fp16 and computed in fp32: the difference is below what any
benchmark here can see, and the file is half as large. The sentence encoder is int8: matrices per column, token
vectors per row.
"""

import hashlib
import json
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from wordmask.errors import WeightsError
from wordmask.lab.data.packs import Packs
from wordmask.lab.training.loop import caption_words
from wordmask.lab.training.vocabulary import Vocabulary, Whitening, kin, phrases
from wordmask.model.mini.constants import WORDS
from wordmask.model.mini.net import Adapter, MiniNetwork
from wordmask.model.minilm import MiniLM, embed, find_minilm, load_minilm

OPSET = 18
DEFAULTS: dict[str, Any] = {
    "side": 512,
    "views": [[1.0, False], [0.75, True], [1.5, True]],
    "calibration": [1.0, 0.0, 0.0],
    "threshold": None,
    "presence": 0.7,
}
"""What mini.json says where nothing was measured; `lab.calibrate` puts measured values there."""


@dataclass(frozen=True)
class Checkpoint:
    """The averaged network of a run, ready to be asked."""

    model: MiniNetwork
    adapter: Adapter
    whitening: Whitening
    words: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "Checkpoint":
        state = torch.load(path, weights_only=True, map_location="cpu")
        model, adapter = MiniNetwork().eval(), Adapter().eval()
        model.load_state_dict(state["average"][0])
        adapter.load_state_dict(state["average"][1])
        return cls(
            model,
            adapter,
            Whitening(state["mean"].numpy(), state["turn"].numpy()),
            tuple(state["words"]),
        )


class Encoder(nn.Module):
    """What is exported as encoder.onnx: pictures in, unit vectors and features out."""

    def __init__(self, model: MiniNetwork) -> None:
        super().__init__()
        self.model = model

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        f = self.model(picture.to(torch.float32))
        return F.normalize(f.vectors, dim=1), f.none, f.coarse, f.fine, f.depth, f.whole


class Cutter(nn.Module):
    """What is exported as cutter.onnx: one picture's features and N prompts in, candidates out."""

    def __init__(self, model: MiniNetwork) -> None:
        super().__init__()
        self.decoder = model.decoder

    def forward(
        self, coarse: Tensor, fine: Tensor, xy: Tensor, kind: Tensor, before: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        n = xy.shape[0]
        masks, quality, label = self.decoder(
            coarse.expand(n, -1, -1, -1), fine.expand(n, -1, -1, -1), xy, kind, before
        )
        return masks, quality.sigmoid(), label


class Sentences(nn.Module):
    """What is exported as text.onnx: token ids in, whitened unit vectors out; token vectors in int8."""

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
        text.places = nn.Embedding.from_pretrained(text.places.weight.detach()[:64].clone())
        text.words = nn.Embedding(1, 1)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = F.embedding(ids, self.sizes) * F.embedding(ids, self.tokens).to(torch.float32)
        unit = self.text.after(x, mask)
        return F.normalize((unit - self.mean) @ self.turn, dim=1)


def export_encoder(model: MiniNetwork, path: Path) -> None:
    picture = torch.zeros(1, 3, 320, 384, dtype=torch.uint8)
    batch, height, width = (
        torch.export.Dim(n, min=1, max=64) for n in ("batch", "rows", "columns")
    )
    _export(
        Encoder(model),
        (picture.repeat(2, 1, 1, 1),),
        path,
        ("picture",),
        ("vectors", "none", "coarse", "fine", "depth", "whole"),
        ({0: batch, 2: 32 * height, 3: 32 * width},),
    )
    _halve(path)


def export_cutter(model: MiniNetwork, path: Path) -> None:
    decoder = model.decoder
    coarse, fine = decoder.drawn.out_channels, decoder.up.out_channels
    example = (
        torch.randn(1, coarse, 40, 48),
        torch.randn(1, fine, 80, 96),
        torch.rand(3, 4, 2) * 300,
        torch.zeros(3, 4, dtype=torch.int64),
    )
    count, points, h, w = (
        torch.export.Dim(n, min=1, max=4096) for n in ("count", "points", "h", "w")
    )
    _export(
        Cutter(model),
        (*example, torch.zeros(3, 1, 40, 48)),
        path,
        ("coarse", "fine", "xy", "kind", "before"),
        ("masks", "quality", "label"),
        (
            {2: h, 3: w},
            {2: 2 * h, 3: 2 * w},
            {0: count, 1: points},
            {0: count, 1: points},
            {0: count, 2: h, 3: w},
        ),
    )
    _halve(path)


def export_text(whitening: Whitening, path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    module = Sentences(load_minilm(find_minilm()), whitening).eval()
    ids = torch.ones(2, 5, dtype=torch.int64)
    batch, length = (
        torch.export.Dim("batch", min=1, max=4096),
        torch.export.Dim("length", min=2, max=64),
    )
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "text.onnx"
        _export(
            module,
            (ids, ids.clone()),
            raw,
            ("ids", "mask"),
            ("vectors",),
            ({0: batch, 1: length}, {0: batch, 1: length}),
        )
        quantize_dynamic(
            raw,
            path,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul", "Gemm"],
        )


def _export(
    module: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    inputs: Sequence[str],
    outputs: Sequence[str],
    shapes: Any,
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # torch's own: deprecations inside it, axes of one size that it merges
        program = torch.onnx.export(
            module.eval(),
            example,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=shapes,
            dynamo=True,
            opset_version=OPSET,
            verbose=False,
            optimize=True,
        )
    if program is None:
        raise WeightsError(
            f"torch exported nothing for {path.name}; is onnxscript installed? pip install 'wordmask[export]'"
        )
    proto = program.model_proto
    # Shapes noted for intermediate values are wrong after quantisation and only cost bytes.
    del proto.graph.value_info[:]
    path.write_bytes(proto.SerializeToString())


def _halve(path: Path) -> None:
    """Store large fp32 constants as fp16 behind a Cast; the runtime folds the cast away when it loads."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(path)
    casts, kept = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < 256:
            kept.append(tensor)
            continue
        kept.append(numpy_helper.from_array(values.astype(np.float16), f"{tensor.name}_half"))
        casts.append(
            helper.make_node("Cast", [f"{tensor.name}_half"], [tensor.name], to=TensorProto.FLOAT)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    path.write_bytes(model.SerializeToString())


@dataclass(frozen=True)
class WordTable:
    """Everything about words that needs no network at run time."""

    names: tuple[str, ...]
    vectors: NDArray[np.int8]
    """(N, 256) rows in -127..127: unit vectors after whitening, before the adapter."""
    kin: tuple[tuple[str, str], ...]
    """(rival, word that it must not be held against); a rival comes with itself."""


def word_table(check: Checkpoint, vocabulary: Vocabulary, more: Sequence[str]) -> WordTable:
    """Ready-made vectors of training's words, their other names, and `more` words that people often ask for."""
    known = [n for w in check.words for n in phrases(w)[::2]]
    names = tuple(dict.fromkeys([*known, *(m.strip().lower() for m in more)]))
    vectors = phrase_vectors(check.whitening, names)
    rows = np.round(vectors / np.abs(vectors).max(1, keepdims=True) * 127).astype(np.int8)
    return WordTable(names, rows, tuple(kin(vocabulary)))


def phrase_vectors(whitening: Whitening, names: Sequence[str]) -> NDArray[np.float32]:
    """Mean of the plain name and the name in a sentence, as the engine makes it."""
    folder = find_minilm()
    plain, told = (
        whitening(embed([t.format(n) for n in names], folder)) for t in ("{}", "a photo of a {}.")
    )
    mean: NDArray[np.float32] = (plain + told) / np.linalg.norm(plain + told, axis=1, keepdims=True)
    return mean


def export_mini(checkpoint: Path, packs: Packs, out: Path) -> None:
    """Write the six files that `mini` is made of; the packs give the words' relations, and usual words by captions."""
    check = Checkpoint.read(checkpoint)
    out.mkdir(parents=True, exist_ok=True)
    export_encoder(check.model, out / "encoder.onnx")
    export_cutter(check.model, out / "cutter.onnx")
    export_text(check.whitening, out / "text.onnx")
    write_words(check, packs.vocabulary, out / "words.npz", caption_words(packs))
    tokenizer = json.loads((find_minilm() / "tokenizer.json").read_text())
    (out / "tokenizer.json").write_text(
        json.dumps(
            tokenizer | {"padding": None, "truncation": None},
            ensure_ascii=False,
            separators=(",", ":"),
        )
    )
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.glob("*.onnx"))}
    known = {"scale": float(check.model.scale().detach()), "dims": WORDS, "files": files}
    (out / "mini.json").write_text(json.dumps(DEFAULTS | known, indent=1) + "\n")


def write_words(check: Checkpoint, vocabulary: Vocabulary, path: Path, more: Sequence[str]) -> None:
    table = word_table(check, vocabulary, more)
    np.savez_compressed(
        path,
        names=np.array("\n".join(table.names)),
        vectors=table.vectors,
        kin=np.array("\n".join(f"{a}\t{b}" for a, b in table.kin)),
        down=check.adapter.down.weight.detach().numpy().astype(np.float16),
        up=check.adapter.up.weight.detach().numpy().astype(np.float16),
    )
