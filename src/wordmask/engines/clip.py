"""CLIP, SigLIP (2) and TIPSv2: words and pictures in one space, for whole pictures and for every patch.

How patches are made to match words is the dense mode:

    plain      one pass over the whole picture, the network untouched (for TIPSv2, which was trained for it)
    clip       the network untouched, through windows: the baseline
    sclip      last block: softmax(QQ') + softmax(KK')
    clearclip  last block: softmax(QQ'), neither shortcut nor feed-forward part
    naclip     last block: softmax(KK' + a Gaussian around each patch), likewise bare
    proxyclip  last block: who attends to whom is DINO's to say (needs a DINO folder as `proxy`)
    corrclip   likewise, and only within clusters of class-agnostic masks (features(seen, masks))
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.once import Once
from wordmask.core.protocols import FeatureMap, Seen, own_seen
from wordmask.engines.hub import towers, windows
from wordmask.engines.hub.attention import GUIDED, Scene
from wordmask.engines.hub.clusters import cluster_map
from wordmask.engines.hub.runtime import (
    Runtime,
    chunks,
    inference,
    load_model,
    load_tokenizer,
    log,
    normalised,
    numpy,
    open_folder,
    resized,
    runtime,
    torch,
)
from wordmask.engines.hub.texts import TextBank, ensemble
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home as weights
from wordmask.errors import CapabilityError, OptionError

KINDS = {
    "clip": "CLIPModel",
    "metaclip_2": "MetaClip2Model",
    "siglip": "SiglipModel",
    "tipsv2": "Tipsv2Model",
}
TOWERS: dict[str, Callable[..., towers.Tower]] = {
    "clip": towers.Clip,
    "metaclip_2": towers.Clip,
    "siglip": towers.Siglip,
    "tipsv2": towers.Tips,
}
PROXIES = {
    "dinov2": "Dinov2Model",
    "dinov2_with_registers": "Dinov2WithRegistersModel",
    "dinov3_vit": "DINOv3ViTModel",
}
PICTURES = 32  # held as pixels at a time
WINDOWS, SENTENCES = {"cpu": 16}, {"cpu": 160}  # most at a time
GPU_WINDOWS, GPU_SENTENCES = 128, 2048


@dataclass(frozen=True, eq=False)
class ClipSeen:
    """One picture. What is asked of it is computed when it is first asked, once, together with the
    pictures that were encoded in the same call, and kept here."""

    image: Image
    row: int  # among those pictures
    maps: Once[list[FeatureMap]]
    vectors: Once[Array]  # (pictures, D)

    @property
    def size(self) -> Size:
        return self.image.size

    @property
    def nbytes(self) -> int:
        maps = sum(made[self.row].nbytes for made in self.maps.made)
        vectors = sum(int(made[self.row].nbytes) for made in self.vectors.made)
        return int(self.image.pixels.nbytes) + maps + vectors


class ClipEngine:
    """A `Dense` and an `Embedder`."""

    def __init__(self, name: str, tower: towers.Tower, texts: "ClipTexts", place: Runtime) -> None:
        self.name, self.tower, self.texts, self._place = name, tower, texts, place
        self.mode = "naclip" if tower.sliding else "plain"
        self.proxy: towers.Proxy | None = None
        self.short = (
            tower.side * 3 // 2 if tower.sliding else tower.side
        )  # px, of the resized picture
        tokens = (tower.side // tower.patch) ** 2
        self.windows_at_a_time = place.rows(
            200 * tokens * tower.width + 48 * tokens**2, WINDOWS.get(self._kind, GPU_WINDOWS)
        )

    @property
    def _kind(self) -> str:
        return str(self._place.device.type)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        seen: list[Seen] = []
        for batch in chunks(images, PICTURES):
            maps = Once(partial(self._maps, batch, None))
            vectors = Once(partial(self._vectors, batch))
            seen += [ClipSeen(image, row, maps, vectors) for row, image in enumerate(batch)]
        return seen

    # ---- Dense

    @property
    def needs_masks(self) -> bool:
        """Whether `features` wants class-agnostic masks; a task that has a segmenter cuts them."""
        return self.mode == "corrclip"

    def features(self, seen: Seen, masks: Masks | None = None) -> FeatureMap:
        """One vector per patch. The masks are for the mode corrclip."""
        own = own_seen(seen, ClipSeen, self.name)
        if not self.needs_masks:
            return own.maps()[own.row]
        if masks is None:
            raise CapabilityError(
                "the mode corrclip needs class-agnostic masks: join a segmenter, as in "
                "sam2.1-small+clip-b16, or hand them over: features(seen, masks); naclip needs none"
            )
        return self._maps([own.image], [masks])[0]

    def embed_texts(self, phrases: Sequence[str]) -> Array:
        """(P, D) unit rows, each the mean over 80 templates; kept in the text bank."""
        return self.texts.embed(phrases)

    # ---- Embedder

    def embed(self, seen: Seen) -> Array:
        """(D,) unit vector of the picture as the network was trained to see it: for CLIP the middle
        square, for the others the whole picture."""
        own = own_seen(seen, ClipSeen, self.name)
        vector: Array = own.vectors()[own.row]
        return vector

    def _vectors(self, images: Sequence[Image]) -> Array:
        rows = []
        with inference():
            for batch in chunks(images, self.windows_at_a_time):
                pixels = torch().stack([self._whole(image) for image in batch])
                pooled = self.tower.pooled(pixels.to(self._place.device, self._place.dtype))
                rows.append(numpy(torch().nn.functional.normalize(pooled.float(), dim=-1)))
        return np.concatenate(rows)

    def _whole(self, image: Image) -> Any:
        side = self.tower.side
        if not isinstance(self.tower, towers.Clip):
            return towers.pixels_of(self.tower, image, (side, side))
        least = min(image.size)
        height, width = (int(side * extent / least) for extent in image.size)
        pixels = towers.pixels_of(self.tower, image, (height, width))
        top, left = (height - side) // 2, (width - side) // 2
        return pixels[:, top : top + side, left : left + side]

    # ---- windows

    def _maps(self, images: Sequence[Image], masks: Sequence[Masks] | None) -> list[FeatureMap]:
        """All windows of some pictures, in batches across them, each blended into its picture."""
        with inference():
            return self._blend(images, masks)

    def _blend(self, images: Sequence[Image], masks: Sequence[Masks] | None) -> list[FeatureMap]:
        plans = [self._plan(image) for image in images]
        pixels = [self._resized(image, plan) for image, plan in zip(images, plans, strict=True)]
        clusters: list[Array] | None = None
        if self.mode == "corrclip" and masks is not None:
            clusters = [self._clusters(*item) for item in zip(masks, plans, pixels, strict=True)]
        blends: list[windows.Blend | None] = [None] * len(images)
        for batch in self._batches(plans):
            vectors = numpy(self._look(batch, plans, pixels, clusters))
            for (index, corner), rows in zip(batch, vectors, strict=True):
                blend = blends[index] = blends[index] or windows.Blend(plans[index], rows.shape[-1])
                blend.add(corner, rows)
        return [
            FeatureMap(blend.unit(), image.size, self.tower.scale)
            for blend, image in zip(blends, images, strict=True)
            if blend is not None
        ]

    def _plan(self, image: Image) -> windows.Layout:
        patch = self.tower.patch
        short, window = max(1, round(self.short / patch)), self.tower.side // patch
        return windows.layout(
            image.size, short, None if self.mode == "plain" else window, max(1, window // 2)
        )

    def _resized(self, image: Image, plan: windows.Layout) -> Any:
        patch = self.tower.patch
        return resized(image, (plan.grid[0] * patch, plan.grid[1] * patch), cubic=self.tower.cubic)

    def _batches(
        self, plans: Sequence[windows.Layout]
    ) -> Iterator[Sequence[tuple[int, tuple[int, int]]]]:
        """(picture, corner) of all windows, those of one shape together."""
        items = [(index, corner) for index, plan in enumerate(plans) for corner in plan.corners]
        for _, same in groupby(items, key=lambda item: plans[item[0]].window):
            yield from chunks(list(same), self.windows_at_a_time)

    def _look(
        self,
        batch: Sequence[tuple[int, tuple[int, int]]],
        plans: Sequence[windows.Layout],
        pixels: Sequence[Any],
        clusters: Sequence[Array] | None,
    ) -> Any:
        """(windows, h * w, D) unit vectors of one batch."""
        t, patch, device = torch(), self.tower.patch, self._place.device
        grid = plans[batch[0][0]].window
        seen = []
        for index, (row, column) in batch:
            top, left = row * patch, column * patch
            seen.append(
                pixels[index][:, top : top + grid[0] * patch, left : left + grid[1] * patch]
            )
        raw = t.stack(seen)
        proxy = (
            self.proxy.features(raw.to(device), grid)
            if self.proxy and self.mode in GUIDED
            else None
        )
        inside = None
        if clusters is not None:
            cut = [clusters[i][y : y + grid[0], x : x + grid[1]].reshape(-1) for i, (y, x) in batch]
            inside = t.from_numpy(np.stack(cut)).to(device)
        ready = normalised(raw, *self.tower.statistics).to(device, self._place.dtype)
        return towers.patches(
            self.tower, ready, self.mode, Scene(grid, self.tower.prefix, proxy, inside)
        )

    def _clusters(self, masks: Masks, plan: windows.Layout, pixels: Any) -> Array:
        if self.proxy is None:
            return cluster_map(masks, plan.grid)
        features = numpy(self.proxy.features(pixels[None].to(self._place.device), plan.grid))[0]
        return cluster_map(masks, plan.grid, features.reshape(*plan.grid, -1))


class ClipTexts:
    """The text side: sentences in batches of like length, phrases through the bank."""

    def __init__(self, tower: towers.Tower, tokenizer: Any, bank: TextBank, place: Runtime) -> None:
        self._tower, self._tokenizer, self._bank, self._place = tower, tokenizer, bank, place
        self.longest = int(tower.text_length or min(getattr(tokenizer, "model_max_length", 77), 77))
        self.sentences_at_a_time = place.rows(
            400 * self.longest * tower.width, SENTENCES.get(place.device.type, GPU_SENTENCES)
        )
        self.width = 0  # of a vector, once one is known

    @property
    def bank_path(self) -> Path:
        return self._bank.path

    def embed(self, phrases: Sequence[str]) -> Array:
        """(P, D) unit rows."""
        if not phrases:
            return np.zeros((0, self.width), np.float32)
        rows = self._bank.rows(phrases, lambda new: ensemble(new, self.sentences))
        self.width = rows.shape[1]
        return rows

    def sentences(self, lines: Sequence[str]) -> Array:
        """(N, D) unit rows of whole sentences, without templates."""
        with inference():
            return np.concatenate(
                [self._batch(batch) for batch in chunks(lines, self.sentences_at_a_time)]
            )

    def _batch(self, lines: Sequence[str]) -> Array:
        fixed = self._tower.text_length is not None
        tokens = self._tokenizer(
            list(lines),
            padding="max_length"
            if fixed
            else "longest",  # to 77 would cost ten times as much for short phrases
            truncation=True,
            max_length=self.longest,
            return_tensors="pt",
        )
        if tokens["input_ids"].shape[1] == self.longest and not fixed:
            log.warning(
                "a text fills all %d tokens and may be cut: %r",
                self.longest,
                max(lines, key=len)[:60],
            )
        wanted = {
            name: tokens[name].to(self._place.device)
            for name in ("input_ids", "attention_mask")
            if name in tokens
        }
        rows: Array = numpy(
            torch().nn.functional.normalize(self._tower.words(wanted).float(), dim=-1)
        )
        return rows


def load(name: str, options: EngineOptions) -> ClipEngine:
    """The engine of a known name or a folder in hub layout."""
    place = runtime(options)
    path = weights.folder(name, options)
    checkpoint = open_folder(path, KINDS, "the CLIP engine")
    tower = TOWERS[checkpoint.kind](
        load_model(checkpoint, KINDS[checkpoint.kind], options), checkpoint, place
    )
    stamp = weights.stamp(name, path)
    bank = TextBank(weights.home() / "texts", stamp.partition("@")[2])
    engine = ClipEngine(stamp, tower, ClipTexts(tower, load_tokenizer(path), bank, place), place)
    if options.input_side is not None:
        engine.short = options.input_side
    _choose(engine, options, place)
    return engine


def _choose(engine: ClipEngine, options: EngineOptions, place: Runtime) -> None:
    """The dense mode and the network that it leans on."""
    if options.proxy is not None:
        path = weights.folder(
            str(options.proxy),
            EngineOptions(offline=options.offline, allow_pickle=options.allow_pickle),
        )
        found = open_folder(Path(path), PROXIES, "the proxy of CLIP")
        engine.proxy = towers.Proxy(load_model(found, PROXIES[found.kind], options), found, place)
    if options.dense_mode != "auto":
        engine.mode = options.dense_mode
    elif engine.proxy is not None:
        engine.mode = "proxyclip"
    if engine.mode == "proxyclip" and engine.proxy is None:
        raise OptionError(
            "the mode proxyclip needs a DINO network: proxy='facebook/dinov2-base' as a folder or hub:name"
        )
