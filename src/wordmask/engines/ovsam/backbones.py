"""The frozen networks that Open-Vocabulary SAM stands on, and their words."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from wordmask.core.image import Array
from wordmask.engines.cards import architectures_of
from wordmask.engines.hub import towers
from wordmask.engines.hub.attention import WindowContext, last_block
from wordmask.engines.hub.pixels import normalise
from wordmask.engines.hub.runtime import Runtime, runtime
from wordmask.engines.hub.texts import TextBank
from wordmask.engines.hub.tower_texts import TowerTexts
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home
from wordmask.engines.weights.open import load_model, load_tokenizer, open_folder
from wordmask.files import cache_home
from wordmask.model.ovsam.lite0 import Lite0Backbone
from wordmask.model.ovsam.net import BackboneView, FrozenBackbone
from wordmask.model.ovsam.plan import STRIDE

LEVELS = 4
CLIP_MODULE = "wordmask.engines.clip"  # whose cards say which networks are towers


class WordEncoder(Protocol):
    """Phrases -> unit rows."""

    def embed(self, phrases: Sequence[str]) -> Array: ...


class OpenBackbone(NamedTuple):
    """A backbone and, where it reads them itself, its words."""

    network: FrozenBackbone
    texts: WordEncoder | None


class TowerBackbone:
    """CLIP, SigLIP or TIPSv2: the tokens at four depths as maps at stride 16, and word cells.

    Pictures are resized so that a patch is a cell of stride 16, whatever the patch.
    """

    strides: tuple[int, ...] = (STRIDE,) * LEVELS

    def __init__(self, name: str, tower: towers.Tower, place: Runtime, words: int) -> None:
        self.name, self.tower, self._place = name, tower, place
        self.mode = "naclip" if tower.sliding else "plain"
        self.channels, self.dense_width = (tower.width,) * LEVELS, words

    def __call__(self, pictures: Tensor) -> BackboneView:
        cells = pictures.shape[-1] // STRIDE
        side = cells * self.tower.patch
        with torch.no_grad():
            sized = functional.interpolate(
                pictures.float() / 255, (side, side), mode="bilinear", antialias=True
            )
            pixels = normalise(sized, self.tower.statistics)
            x = self.tower.enter(pixels.to(self._place.device, self._place.dtype))
            blocks = self.tower.blocks()[:-1]
            taken = [-(-(k + 1) * len(blocks) // LEVELS) - 1 for k in range(LEVELS)]
            levels = []
            for number, block in enumerate(blocks):
                x = block(x, None)
                levels += [self._as_map(x[:, self.tower.prefix :], cells)] * taken.count(number)
            context = WindowContext((cells, cells), self.tower.prefix)
            seen = self.tower.leave(last_block(self.tower.last(), x, self.mode, context))
        return BackboneView(levels, self._as_map(seen, cells))

    def _as_map(self, tokens: Tensor, cells: int) -> Tensor:
        return tokens.transpose(1, 2).unflatten(2, (cells, cells)).float()


def open_backbone(
    name: str, options: EngineOptions, state: Mapping[str, Tensor] | None = None
) -> OpenBackbone:
    """lite0 (`state` are its weights), or a tower by a card's name, a folder or hub:owner/name."""
    if name == Lite0Backbone.name:
        return OpenBackbone(Lite0Backbone(state), None)
    place = runtime(options)
    path = home.folder(name, options)
    kinds = architectures_of(CLIP_MODULE)
    folder = open_folder(path, kinds, "Open-Vocabulary SAM")
    model = load_model(folder, kinds[folder.kind], options)
    tower = towers.TOWERS[folder.kind](model, folder, place)
    stamp = home.stamp(name, path).partition("@")[2]
    bank = TextBank(cache_home() / "texts", stamp)
    texts = TowerTexts(tower, load_tokenizer(path), bank, place)
    width = texts.embed(["thing"]).shape[1]
    return OpenBackbone(TowerBackbone(name, tower, place, width), texts)
