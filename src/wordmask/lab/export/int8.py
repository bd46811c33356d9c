"""Encoders in int8: weights by channel, activations by what pictures of yours need.

Decoders and memories stay as they are: they are small, and int8 costs them their masks.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image
from wordmask.core.protocols import PromptBatch, Segmenter
from wordmask.errors import OptionError, missing_extra
from wordmask.files import write_json, write_text
from wordmask.lab.export.conversions import read_manifest
from wordmask.lab.export.folder import (
    CARD,
    MANIFEST,
    check_target,
    file_hashes,
    model_card,
    place_folder,
)
from wordmask.lab.export.graph_files import open_session

ENCODER = "encoder"


class _Reader:
    """Feeds of pictures, one after the other, as onnxruntime asks for them."""

    def __init__(self, feeds: Sequence[Mapping[str, Array]]) -> None:
        self._feeds: Iterator[Mapping[str, Array]] = iter(feeds)

    def get_next(self) -> Mapping[str, Array] | None:
        return next(self._feeds, None)


def to_int8(
    folder: Path, out: Path, feeds: Sequence[Mapping[str, Array]], say: Callable[[str], None]
) -> dict[str, Any]:
    """The folder with its encoder in int8. `feeds` are pictures as the encoder takes them."""
    manifest = read_manifest(folder)
    if ENCODER not in manifest["graphs"]:
        raise OptionError(f"{folder} has no {ENCODER}; int8 is for the encoders of segmenters")
    if len(feeds) < 2:
        raise OptionError(f"int8 is calibrated on pictures, at least 2; got {len(feeds)}")
    check_target(out)
    part = Path(mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for file in folder.iterdir():
            if file.is_file() and file.name not in (MANIFEST, CARD):
                shutil.copyfile(file, part / file.name)
        entry = manifest["graphs"][ENCODER]
        say(f"{entry['file']}: calibrating on {len(feeds) - 1} pictures")
        _quantize(folder / entry["file"], part / entry["file"], feeds[:-1])
        loss = _loss(folder / entry["file"], part / entry["file"], feeds[-1])
        hashes = file_hashes(part, entry["file"])
        quantized = entry | {"sha256": hashes, "precision": "int8", "loss": loss}
        manifest["graphs"] = manifest["graphs"] | {ENCODER: quantized}
        write_json(part / MANIFEST, manifest, indent=1)
        write_text(part / CARD, model_card(manifest))
        place_folder(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def _quantize(source: Path, target: Path, feeds: Sequence[Mapping[str, Array]]) -> None:
    try:
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:  # it needs onnx
        raise missing_extra("onnx", "export") from error
    for old in target.parent.glob(f"{target.name}*"):
        old.unlink()
    with TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready),
            str(target),
            _Reader(feeds),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul", "Gemm", "Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def _loss(exact: Path, other: Path, feed: Mapping[str, Array]) -> dict[str, float]:
    """Of each output on a picture that was not calibrated on: error as a share of its size."""
    sessions = open_session(exact), open_session(other)
    names = [port.name for port in sessions[0].get_outputs()]
    wanted, found = (session.run(names, dict(feed)) for session in sessions)
    pairs = zip(names, wanted, found, strict=True)
    return {
        name: round(float(np.linalg.norm(two - one)) / max(float(np.linalg.norm(one)), 1e-12), 4)
        for name, one, two in pairs
    }


def mask_agreement(first: Segmenter, second: Segmenter, pictures: Sequence[Image]) -> float:
    """Mean IoU of the best masks of 9 clicks a picture: what a loss means for masks."""
    ious = []
    for image in pictures:
        height, width = image.size
        shares = np.array([0.25, 0.5, 0.75])
        xy = np.stack(np.meshgrid(shares * width, shares * height), -1).reshape(-1, 2)
        masks = [_best(engine, image, PromptBatch.points(xy)) for engine in (first, second)]
        both = (masks[0] & masks[1]).sum((1, 2))
        either = (masks[0] | masks[1]).sum((1, 2))
        ious += list(np.where(either > 0, both / np.maximum(either, 1), 1.0))
    return float(np.mean(ious))


def _best(engine: Segmenter, image: Image, prompts: PromptBatch) -> Array:
    """(P, h, w) bool."""
    (seen,) = engine.encode([image])
    cuts = engine.cut(seen, prompts)
    best = cuts.quality.argmax(1)
    masks: Array = cuts.logits[np.arange(len(best)), best] > 0
    return masks
