"""CLIP, SigLIP (2) and TIPSv2: words and pictures in one space, for whole pictures and every patch.

How patches are made to match words is the dense mode:

    plain      one pass over the whole picture, the network untouched (for TIPSv2, trained for it)
    clip       the network untouched, through windows: the baseline
    sclip      last block: softmax(QQ') + softmax(KK')
    clearclip  last block: softmax(QQ'), neither shortcut nor feed-forward part
    naclip     last block: softmax(KK' + a Gaussian around each patch), likewise bare
    proxyclip  last block: DINO decides who attends to whom (needs a DINO folder as `proxy`)
    corrclip   likewise, only within clusters of class-agnostic masks (features(seen, masks))
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from wordmask.core.graphs import GraphSet
from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.once import Once
from wordmask.core.protocols import FeatureMap, Seen, own_seen
from wordmask.engines.hub import towers, windows
from wordmask.engines.hub.attention import GUIDED, WindowContext
from wordmask.engines.hub.clusters import cluster_map
from wordmask.engines.hub.loading import load_folder
from wordmask.engines.hub.pixels import normalise, to_numpy, to_tensor
from wordmask.engines.hub.runtime import Runtime, chunks
from wordmask.engines.hub.texts import TextBank
from wordmask.engines.hub.tower_texts import TowerTexts
from wordmask.engines.hub.word_graphs import (
    patch_graph,
    picture_graph,
    proxy_graph,
    word_settings,
)
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home
from wordmask.engines.weights.open import load_model, load_tokenizer, open_folder
from wordmask.errors import CapabilityError, Mend, OptionError
from wordmask.files import cache_home

PROXIES = {
    "dinov2": "Dinov2Model",
    "dinov2_with_registers": "Dinov2WithRegistersModel",
    "dinov3_vit": "DINOv3ViTModel",
}
PICTURES = 32  # held as pixels at a time
WINDOWS, GPU_WINDOWS = {"cpu": 16}, 128  # most at a time


@dataclass(frozen=True, eq=False)
class ClipSeen:
    """One picture.

    What is asked of it is computed when it is first asked, once, together with the pictures that
    were encoded in the same call, and kept here.
    """

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

    def __init__(self, name: str, tower: towers.Tower, texts: TowerTexts, place: Runtime) -> None:
        self.name, self.tower, self.texts, self._place = name, tower, texts, place
        self.mode = "naclip" if tower.sliding else "plain"
        self.proxy: towers.Proxy | None = None
        # px, short side of the resized picture
        self.short = tower.side * 3 // 2 if tower.sliding else tower.side
        tokens = (tower.side // tower.patch) ** 2
        nbytes = 200 * tokens * tower.width + 48 * tokens**2
        most = WINDOWS.get(place.device.type, GPU_WINDOWS)
        self.windows_at_a_time = place.rows(nbytes, most)

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        seen: list[Seen] = []
        for batch in chunks(images, PICTURES):
            maps = Once(partial(self._maps, batch, None))
            vectors = Once(partial(self._vectors, batch))
            seen += [ClipSeen(image, row, maps, vectors) for row, image in enumerate(batch)]
        return seen

    # ---- Exportable

    @property
    def parts(self) -> tuple[str, ...]:
        return ("image", "text")

    def graphs(self, parts: Sequence[str]) -> GraphSet:
        """Patches in this engine's dense mode, whole pictures, texts, perhaps the proxy."""
        found = []
        settings = word_settings(self.tower, self.mode, self.short, self.proxy)
        files = {}
        if "image" in parts:
            width = self.proxy.width if self.proxy is not None and self.mode in GUIDED else None
            found += [
                patch_graph(self.tower, self.mode, width, self.needs_masks),
                picture_graph(self.tower),
            ]
            found += [proxy_graph(self.proxy)] if self.proxy is not None else []
        if "text" in parts:
            found.append(self.texts.graph())
            settings["text"] = self.texts.settings()
            files["tokenizer.json"] = self.texts.write_tokenizer
        return GraphSet("words", tuple(found), settings, files)

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
        """(N, D) unit rows."""
        rows = []
        for batch in chunks(images, self.windows_at_a_time):
            pixels = torch.stack([self._whole(image) for image in batch])
            with torch.no_grad():
                vectors = self.tower.embed(pixels.to(self._place.device, self._place.dtype))
                rows.append(to_numpy(functional.normalize(vectors.float(), dim=-1)))
        return np.concatenate(rows)

    def _whole(self, image: Image) -> Tensor:
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
        with torch.no_grad():
            views = [self._lay_out(image) for image in images]
            if masks is not None:
                for view, own in zip(views, masks, strict=True):
                    view.clusters = self._clusters(own, view)
            for batch in self._batches(views):
                vectors = to_numpy(self._look(batch))
                for window, rows in zip(batch, vectors, strict=True):
                    window.view.blend.add(window.corner, rows)
        return [FeatureMap(view.blend.unit(), view.size, self.tower.scale) for view in views]

    def _lay_out(self, image: Image) -> "WindowedPicture":
        patch = self.tower.patch
        short, side = max(1, round(self.short / patch)), self.tower.side // patch
        window = None if self.mode == "plain" else side
        grid = windows.layout(image.size, short, window, max(1, side // 2))
        size = grid.grid[0] * patch, grid.grid[1] * patch
        return WindowedPicture(image.size, grid, to_tensor(image, size, cubic=self.tower.cubic))

    def _clusters(self, masks: Masks, view: "WindowedPicture") -> Array:
        grid = view.layout.grid
        if self.proxy is None:
            return cluster_map(masks, grid)
        pixels = view.pixels[None].to(self._place.device)
        features = to_numpy(self.proxy.features(pixels, grid))[0]
        return cluster_map(masks, grid, features.reshape(*grid, -1))

    def _batches(self, views: Sequence["WindowedPicture"]) -> Iterator[Sequence["PictureWindow"]]:
        """All windows, those of one shape together."""
        items = [PictureWindow(view, corner) for view in views for corner in view.layout.corners]
        for _, same in groupby(items, key=lambda item: item.view.layout.window):
            yield from chunks(list(same), self.windows_at_a_time)

    def _look(self, batch: Sequence["PictureWindow"]) -> Tensor:
        """(windows, h * w, D) unit vectors of one batch."""
        device, grid = self._place.device, batch[0].view.layout.window
        raw = torch.stack([window.pixels(self.tower.patch) for window in batch])
        proxy = None
        if self.proxy is not None and self.mode in GUIDED:
            proxy = self.proxy.features(raw.to(device), grid)
        given = [w.inside(w.view.clusters) for w in batch if w.view.clusters is not None]
        clusters = torch.from_numpy(np.stack(given)).to(device) if given else None
        ready = normalise(raw, self.tower.statistics).to(device, self._place.dtype)
        context = WindowContext(grid, self.tower.prefix, proxy, clusters)
        return towers.patches(self.tower, ready, self.mode, context)


class WindowedPicture:
    """A resized picture under windows, and the mean of what they say of each patch."""

    def __init__(self, size: Size, layout: windows.WindowGrid, pixels: Tensor) -> None:
        self.size, self.layout, self.pixels = size, layout, pixels
        self.clusters: Array | None = None  # (h, w) which cluster of masks each patch lies in
        self.blend = windows.Blend(layout)


class PictureWindow(NamedTuple):
    """One window on one picture."""

    view: WindowedPicture
    corner: tuple[int, int]  # row and column of its first patch

    def pixels(self, patch: int) -> Tensor:
        """(3, h, w) in [0, 1]."""
        top, left = (place * patch for place in self.corner)
        height, width = (extent * patch for extent in self.view.layout.window)
        return self.view.pixels[:, top : top + height, left : left + width]

    def inside(self, clusters: Array) -> Array:
        """(h * w,) the clusters of its patches."""
        (row, column), (height, width) = self.corner, self.view.layout.window
        return clusters[row : row + height, column : column + width].reshape(-1)


def load(name: str, options: EngineOptions) -> ClipEngine:
    """The engine of a known name or a folder in hub layout."""
    loaded = load_folder(name, options, __name__, "the CLIP engine")
    tower = towers.TOWERS[loaded.folder.kind](loaded.model, loaded.folder, loaded.place)
    bank = TextBank(cache_home() / "texts", loaded.name.partition("@")[2])
    texts = TowerTexts(tower, load_tokenizer(loaded.folder.path), bank, loaded.place)
    engine = ClipEngine(loaded.name, tower, texts, loaded.place)
    if options.input_side is not None:
        engine.short = options.input_side
    _choose_mode(engine, options, loaded.place)
    return engine


def _choose_mode(engine: ClipEngine, options: EngineOptions, place: Runtime) -> None:
    """The dense mode and the network that it leans on."""
    if options.proxy is not None:
        plain = EngineOptions(offline=options.offline, allow_pickle=options.allow_pickle)
        folder = open_folder(home.folder(str(options.proxy), plain), PROXIES, "the proxy of CLIP")
        model = load_model(folder, PROXIES[folder.kind], options)
        engine.proxy = towers.Proxy(model, folder, place)
    if options.dense_mode != "auto":
        engine.mode = options.dense_mode
    elif engine.proxy is not None:
        engine.mode = "proxyclip"
    if engine.mode == "proxyclip" and engine.proxy is None:
        raise OptionError(
            "the mode proxyclip needs a DINO network, as a folder or from the hub",
            mend=Mend("proxy", "hub:facebook/dinov2-base"),
        )
