"""The engine of a folder that `wordmask train ovsam` wrote: clicks and boxes with names, and words.

A cut's name comes from what was cut, never from a box that was given: of both opinions' fusion the
vector is handed out, and a task compares it with any words.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from wordmask.core.image import Array, Image, Size
from wordmask.core.maps import MapSegmenter, TeacherCall
from wordmask.core.once import Once
from wordmask.core.protocols import Cuts, FeatureMap, PromptBatch, Seen, own_seen
from wordmask.engines.hub.pixels import to_numpy
from wordmask.engines.hub.runtime import Runtime, chunks, runtime
from wordmask.engines.options import EngineOptions
from wordmask.engines.ovsam.backbones import WordEncoder, open_backbone
from wordmask.engines.ovsam.sentences import SentenceTexts
from wordmask.engines.weights import home
from wordmask.engines.weights.open import read_state
from wordmask.errors import PromptError, WeightsError
from wordmask.files import digest
from wordmask.model.ovsam.decoder import OvsamPrompts
from wordmask.model.ovsam.naming import fuse
from wordmask.model.ovsam.net import FrozenBackbone, OvsamNetwork
from wordmask.model.ovsam.plan import (
    AWAY,
    FINE,
    FIRST_CORNER,
    LAST_CORNER,
    NO_POINT,
    ON_IT,
    STRIDE,
    OvsamPlan,
)
from wordmask.model.ovsam.square import fit_square, inner_size
from wordmask.model.ovsam.whole import OvsamWhole, WholeSeen

PROMPTS = 16  # at a time
SETTINGS, TEACHER = "ovsam.json", "teacher"


@dataclass(frozen=True, eq=False)
class OvsamSeen:
    """One picture, encoded when it is first asked about."""

    size: Size
    whole: Once[WholeSeen]

    @property
    def nbytes(self) -> int:
        total = 0
        for encoded, taught in self.whole.made:
            total += sum(int(one.nbytes) for one in (encoded.embedding, encoded.cells))
            total += sum(int(one.nbytes) for one in encoded.pyramid)
            total += 0 if taught is None else taught.nbytes
        return total


class OvsamParts(NamedTuple):
    """What an engine is made of."""

    network: OvsamNetwork
    backbone: FrozenBackbone
    texts: WordEncoder
    exponent: float
    trained_words: tuple[str, ...]
    call: TeacherCall | None


class OvsamEngine:
    """Segmenter and Dense; one mask a prompt, with a vector that names it."""

    def __init__(self, name: str, parts: OvsamParts, place: Runtime) -> None:
        self.name, self._texts, self._place = name, parts.texts, place
        self.plan = parts.network.plan
        self.whole = OvsamWhole(parts.network, parts.backbone)
        self.exponent, self.trained_words = parts.exponent, parts.trained_words
        self.call = parts.call

    def take_teacher(self, teacher: MapSegmenter) -> None:
        """The one whose maps the adapter learned, or an error."""
        if self.call is not None and teacher.name != self.call.name:
            raise WeightsError(
                f"{self.name} was trained with {self.call.name}, and {self.call.spec} is now "
                f"{teacher.name}; train it anew, or bring back those weights"
            )
        self.whole = OvsamWhole(self.whole.network, self.whole.backbone, teacher)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [OvsamSeen(one.size, Once(partial(self._encode, one))) for one in images]

    def cut(self, seen: Seen, prompts: PromptBatch) -> Cuts:
        """Logits (P, 1, h, w) over the picture at stride 4, their quality and naming vectors."""
        own = own_seen(seen, OvsamSeen, self.name)
        if not len(prompts):
            raise PromptError(
                "there are no prompts to cut by; give at least one point, box or mask"
            )
        spans = chunks(range(len(prompts)), PROMPTS)
        parts = [self._cut(own, prompts[slice(span[0], span[-1] + 1)]) for span in spans]
        logits, quality, vectors = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Cuts(logits[:, None], quality[:, None], vectors[:, None])

    def features(self, seen: Seen) -> FeatureMap:
        """The cells that match words, on a grid of about stride 16 over the picture."""
        own = own_seen(seen, OvsamSeen, self.name)
        height, width = inner_size(own.size, self.plan.side)
        rows, columns = max(1, round(height / STRIDE)), max(1, round(width / STRIDE))
        y = (torch.arange(rows) + 0.5) / rows * height / self.plan.side * 2 - 1
        x = (torch.arange(columns) + 0.5) / columns * width / self.plan.side * 2 - 1
        grid = torch.stack([x.expand(rows, -1), y[:, None].expand(-1, columns)], 2)[None]
        cells = own.whole().encoded.cells.float()
        found = functional.grid_sample(
            cells, grid.to(cells.device), align_corners=False, padding_mode="border"
        )
        vectors = to_numpy(functional.normalize(found[0].permute(1, 2, 0), dim=2))
        return FeatureMap(vectors, own.size, self.plan.scale)

    def embed_texts(self, phrases: Sequence[str]) -> Array:
        """(P, D) unit rows, each phrase computed once and kept on disk."""
        return self._texts.embed(phrases)

    def _encode(self, image: Image) -> WholeSeen:
        square, _ = fit_square(image.pixels, self.plan.side)
        pictures = torch.from_numpy(square).permute(2, 0, 1)[None].to(self._place.device)
        with torch.no_grad():
            return self.whole.see(pictures)

    def _cut(self, seen: OvsamSeen, prompts: PromptBatch) -> tuple[Array, Array, Array]:
        inner = inner_size(seen.size, self.plan.side)
        with torch.no_grad():
            whole = seen.whole()
            cut = self.whole.cut(whole, self._prompts(prompts, seen.size, inner))
            vectors = fuse(self.whole.name(whole, cut), self.exponent)
        logits = to_numpy(cut.masks)[:, : inner[0] // FINE, : inner[1] // FINE]
        return logits, to_numpy(cut.quality.sigmoid()), to_numpy(vectors)

    def _prompts(self, prompts: PromptBatch, size: Size, inner: Size) -> OvsamPrompts:
        """The corners of a box first, then the points, in pixels of the square."""
        scale = np.array([inner[1] / size[1], inner[0] / size[0]], np.float32)
        boxed: Array = np.logical_not(np.isnan(prompts.boxes).any(1))
        corners = np.where(boxed[:, None], prompts.boxes, 0).reshape(-1, 2, 2)
        xy = np.concatenate([corners, prompts.xy], 1).astype(np.float32) * scale
        kinds = np.full(xy.shape[:2], NO_POINT, np.int64)
        kinds[boxed, :2] = FIRST_CORNER, LAST_CORNER
        kinds[:, 2:] = np.select([prompts.keep == 1, prompts.keep == 0], [ON_IT, AWAY], NO_POINT)
        xy[kinds == NO_POINT] = 0
        tensors = (torch.from_numpy(xy), torch.from_numpy(kinds), self._earlier(prompts, inner))
        return OvsamPrompts(*(one.to(self._place.device) for one in tensors))

    def _earlier(self, prompts: PromptBatch, inner: Size) -> Tensor:
        """(P, 1, h, w) earlier masks in the square, zeros where there is none."""
        cells = self.plan.side // FINE
        if prompts.logits is None:
            return torch.zeros(len(prompts), 1, 4, 4)
        given = torch.from_numpy(np.ascontiguousarray(prompts.logits, np.float32))[:, None]
        height, width = inner[0] // FINE, inner[1] // FINE
        sized = functional.interpolate(given, (height, width), mode="bilinear")
        return functional.pad(sized, (0, cells - width, 0, cells - height))


def load(name: str, options: EngineOptions) -> OvsamEngine:
    """The engine of an exported folder."""
    folder = home.folder(name, options)
    settings = _read_settings(folder)
    place = runtime(options)
    state = read_state(folder / "model.safetensors", options)
    network = OvsamNetwork(settings["plan"])
    parts = {kind: _under(state, kind) for kind in ("network", "backbone")}
    try:
        network.load_state_dict(parts["network"])
    except RuntimeError as error:
        line = str(error).strip().splitlines()[0]
        raise WeightsError(f"{folder} does not hold what its {SETTINGS} says: {line}") from None
    plain = EngineOptions(device=options.device, dtype=options.dtype, offline=options.offline)
    backbone, texts = open_backbone(settings["backbone"], plain, parts["backbone"] or None)
    prepared = network.to(place.device).eval().requires_grad_(False)
    words = texts or SentenceTexts(folder, settings)
    made = OvsamParts(
        prepared,
        backbone,
        words,
        float(settings["exponent"]),
        tuple(settings["words"]),
        _teacher_call(folder, settings),
    )
    return OvsamEngine(home.stamp(name, folder), made, place)


def _read_settings(folder: Path) -> dict[str, Any]:
    path = folder / SETTINGS
    if not path.is_file():
        raise WeightsError(f"{folder} has no {SETTINGS}; give a folder that training wrote")
    settings: dict[str, Any] = json.loads(path.read_text("utf-8"))
    for name, wanted in settings["files"].items():
        if not (folder / name).is_file() or digest(folder / name) != wanted:
            raise WeightsError(f"{folder / name} is missing or not what {SETTINGS} says")
    plan = settings["plan"]
    lists = {key: tuple(plan[key]) for key in ("channels", "strides")}
    lists["maps"] = tuple((channels, side) for channels, side in plan.get("maps", ()))
    settings["plan"] = OvsamPlan(**plan | lists)
    return settings


def _teacher_call(folder: Path, settings: dict[str, Any]) -> TeacherCall | None:
    """The teacher's files may lie in the folder."""
    teacher = settings.get("teacher")
    if teacher is None:
        return None
    inside = folder / teacher["spec"]
    if teacher["spec"] == TEACHER and not inside.is_dir():
        raise WeightsError(f"{inside} is missing; copy the whole folder that the training wrote")
    spec = str(inside) if inside.is_dir() else str(teacher["spec"])
    return TeacherCall(spec, str(teacher["name"]), settings["plan"].side)


def _under(state: dict[str, Tensor], kind: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `kind`, without it."""
    return {
        key.removeprefix(f"{kind}."): one
        for key, one in state.items()
        if key.startswith(f"{kind}.")
    }
