"""CLIP, SigLIP and TIPSv2 in an exported folder: words, patches and pictures in one space."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from wordmask.core.image import Array, Image, Size
from wordmask.core.masks import Masks
from wordmask.core.once import Once
from wordmask.core.protocols import FeatureMap, Seen, own_seen
from wordmask.engines.graphs.manifest import Manifest
from wordmask.engines.graphs.network import GraphNetwork, open_network
from wordmask.engines.hub import windows
from wordmask.engines.hub.clusters import cluster_map
from wordmask.engines.hub.pictures import normalise, to_array
from wordmask.engines.hub.texts import TextBank, ensemble
from wordmask.engines.options import EngineOptions
from wordmask.errors import CapabilityError, Mend, OptionError, WeightsError
from wordmask.files import cache_home
from wordmask.ops.resample import antialias

WINDOWS, SENTENCES = 16, 160  # most at a time
TOKENIZER = "tokenizer.json"


@dataclass(frozen=True, eq=False)
class WordsSeen:
    """One picture; what is asked of it is computed when it is first asked, and kept."""

    image: Image
    map: Once[FeatureMap]
    vector: Once[Array]

    @property
    def size(self) -> Size:
        return self.image.size

    @property
    def nbytes(self) -> int:
        made = sum(found.nbytes for found in self.map.made)
        made += sum(int(found.nbytes) for found in self.vector.made)
        return int(self.image.pixels.nbytes) + made


class GraphWords:
    """A `Dense` and an `Embedder`."""

    def __init__(
        self, name: str, networks: Mapping[str, GraphNetwork], settings: Mapping[str, Any]
    ) -> None:
        self.name, self._networks, self._settings = name, networks, settings
        self.mode = str(settings["mode"])
        self._statistics = settings["mean"], settings["std"]
        self.texts: GraphTexts | None = None

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        return [self._see(image) for image in images]

    def _see(self, image: Image) -> WordsSeen:
        maps, vector = Once(partial(self._map, image, None)), Once(partial(self._embed, image))
        return WordsSeen(image, maps, vector)

    # ---- Dense

    @property
    def needs_masks(self) -> bool:
        """Whether `features` wants class-agnostic masks; a task that has a segmenter cuts them."""
        return self.mode == "corrclip"

    def features(self, seen: Seen, masks: Masks | None = None) -> FeatureMap:
        """One vector per patch. The masks are for the mode corrclip."""
        own = own_seen(seen, WordsSeen, self.name)
        if not self.needs_masks:
            return own.map()
        if masks is None:
            raise CapabilityError(
                "the mode corrclip needs class-agnostic masks: join a segmenter, or hand them "
                "over: features(seen, masks)"
            )
        return self._map(own.image, masks)

    def embed_texts(self, phrases: Sequence[str]) -> Array:
        """(P, D) unit rows, each the mean over 80 templates; kept in the text bank."""
        if self.texts is None:
            raise CapabilityError(f"{self.name} was exported without its texts; export it again")
        return self.texts.embed(phrases)

    # ---- Embedder

    def embed(self, seen: Seen) -> Array:
        """(D,) unit vector of the picture as the network was trained to see it."""
        vector: Array = own_seen(seen, WordsSeen, self.name).vector()
        return vector

    def _embed(self, image: Image) -> Array:
        side, cubic = int(self._settings["side"]), bool(self._settings["cubic"])
        if self._settings["middle"]:
            least = min(image.size)
            height, width = (int(side * extent / least) for extent in image.size)
            pixels = to_array(image, (height, width), cubic=cubic)
            top, left = (height - side) // 2, (width - side) // 2
            pixels = pixels[:, top : top + side, left : left + side]
        else:
            pixels = to_array(image, (side, side), cubic=cubic)
        found = self._networks["picture"]({"pixels": normalise(pixels, self._statistics)[None]})
        vector: Array = found["out_vectors"][0]
        return vector

    # ---- windows

    def _map(self, image: Image, masks: Masks | None) -> FeatureMap:
        """All windows of a picture, blended."""
        patch, side = int(self._settings["patch"]), int(self._settings["side"])
        window = None if self.mode == "plain" else side // patch
        short = max(1, round(self._settings["short"] / patch))
        grid = windows.layout(image.size, short, window, max(1, side // patch // 2))
        size = grid.grid[0] * patch, grid.grid[1] * patch
        pixels = to_array(image, size, cubic=bool(self._settings["cubic"]))
        clusters = None if masks is None else self._clusters(masks, pixels, grid.grid)
        blend = windows.Blend(grid)
        for start in range(0, len(grid.corners), WINDOWS):
            corners = grid.corners[start : start + WINDOWS]
            vectors = self._look(pixels, grid, corners, clusters)
            for corner, rows in zip(corners, vectors, strict=True):
                blend.add(corner, rows)
        return FeatureMap(blend.unit(), image.size, float(self._settings["scale"]))

    def _look(
        self,
        pixels: Array,
        grid: windows.WindowGrid,
        corners: Sequence[tuple[int, int]],
        clusters: Array | None,
    ) -> Array:
        """(windows, h * w, D) unit vectors."""
        patch, (height, width) = int(self._settings["patch"]), grid.window
        raw = np.stack(
            [
                pixels[:, row * patch : (row + height) * patch, at * patch : (at + width) * patch]
                for row, at in corners
            ]
        )
        feed = {"pixels": normalise(raw, self._statistics)}
        if "proxy" in self._networks["patches"].inputs:
            feed["proxy"] = self._proxy(raw, grid.window)
        if clusters is not None:
            feed["clusters"] = np.stack(
                [clusters[row : row + height, at : at + width].ravel() for row, at in corners]
            )
        found: Array = self._networks["patches"](feed)["out_vectors"]
        return found

    def _proxy(self, raw: Array, grid: Size) -> Array:
        """(B, h * w, E) features of DINO for pixels (B, 3, H, W) in [0, 1]."""
        guide = self._settings["proxy"]
        sized = antialias(raw, (grid[0] * guide["patch"], grid[1] * guide["patch"]))
        pixels = normalise(sized, (guide["mean"], guide["std"]))
        found: Array = self._networks["proxy"]({"pixels": pixels})["out_features"]
        return found

    def _clusters(self, masks: Masks, pixels: Array, grid: Size) -> Array:
        if self._settings["proxy"] is None:
            return cluster_map(masks, grid)
        features = self._proxy(pixels[None], grid)[0]
        return cluster_map(masks, grid, features.reshape(*grid, -1))


class GraphTexts:
    """The text side, with the tokenizer of the folder."""

    def __init__(
        self, network: GraphNetwork, tokenizer: Any, settings: Mapping[str, Any], bank: TextBank
    ) -> None:
        self._network, self._tokenizer, self._bank = network, tokenizer, bank
        fixed = settings["length"]
        tokenizer.enable_truncation(settings["longest"])
        tokenizer.enable_padding(
            pad_id=settings["pad_id"], pad_token=settings["pad_token"], length=fixed
        )

    def embed(self, phrases: Sequence[str]) -> Array:
        """(P, D) unit rows."""
        if not phrases:
            return np.zeros((0, 0), np.float32)
        return self._bank.rows(phrases, lambda new: ensemble(new, self.sentences))

    def sentences(self, lines: Sequence[str]) -> Array:
        """(N, D) unit rows of whole sentences, without templates."""
        parts = [
            self._batch(lines[start : start + SENTENCES])
            for start in range(0, len(lines), SENTENCES)
        ]
        return np.concatenate(parts)

    def _batch(self, lines: Sequence[str]) -> Array:
        rows = self._tokenizer.encode_batch(list(lines))
        feed = {
            "input_ids": np.array([row.ids for row in rows]),
            "attention_mask": np.array([row.attention_mask for row in rows]),
        }
        found: Array = self._network(feed)["out_vectors"]
        return found


def load(exported: Manifest, options: EngineOptions) -> GraphWords:
    """The engine of an exported folder."""
    mode = str(exported.settings["mode"])
    if options.dense_mode not in ("auto", mode):
        raise OptionError(
            f"dense_mode must be {mode}, for which {exported.folder} was exported, got "
            f"{options.dense_mode}; export again in that mode",
            mend=Mend("dense_mode", mode),
        )
    networks = {
        name: open_network(file.path, options, exported.runtime)
        for name, file in exported.graphs.items()
    }
    engine = GraphWords(exported.name, networks, exported.settings)
    if "text" in networks:
        tokenizer = read_tokenizer(exported.folder / TOKENIZER)
        bank = TextBank(cache_home() / "texts", exported.name.rpartition("@")[2])
        engine.texts = GraphTexts(networks["text"], tokenizer, exported.settings["text"], bank)
    return engine


def read_tokenizer(path: Path) -> Any:
    """A tokenizer.json, with the library that reads nothing else."""
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exceptions
        raise WeightsError(
            f"{path} is missing or no tokenizer ({error}); copy the whole folder"
        ) from None
