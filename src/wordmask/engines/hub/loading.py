"""A network from a checked folder, with its name, its device and its tokenizer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from wordmask.engines.cards import architectures_of
from wordmask.engines.hub.pictures import Statistics, pixel_statistics
from wordmask.engines.hub.runtime import Runtime, runtime
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import home
from wordmask.engines.weights.open import HubFolder, load_model, load_tokenizer, open_folder


@dataclass(frozen=True)
class Loaded:
    """A network as it comes from its folder."""

    name: str  # "sam-b@sha256:1f3c5d7e9a0b"
    model: Any
    folder: HubFolder
    place: Runtime


def load_folder(name: str, options: EngineOptions, module: str, engine: str) -> Loaded:
    """The network of a card's name or a folder in hub layout, if the module's engine reads it."""
    place = runtime(options)
    path = home.folder(name, options)
    kinds = architectures_of(module)
    folder = open_folder(path, kinds, engine)
    model = load_model(folder, kinds[folder.kind], options)
    return Loaded(home.stamp(name, path), model, folder, place)


class WordNetwork:
    """A network on its device that reads pictures and words."""

    def __init__(self, loaded: Loaded, default: Statistics) -> None:
        self.name = loaded.name
        self._place = loaded.place
        self._model = loaded.place.prepare(loaded.model)
        self._tokenizer = load_tokenizer(loaded.folder.path)
        self._statistics = pixel_statistics(loaded.folder.path, default)

    def _batch(self, pixels: Tensor) -> Tensor:
        """(1, 3, h, w) of one picture, as the network takes it."""
        return pixels[None].to(self._place.device, self._place.dtype)

    def _tokens(self, lines: Sequence[str], length: int) -> dict[str, Tensor]:
        """`input_ids` and `attention_mask`, every line padded or cut to `length` tokens."""
        tokens = self._tokenizer(
            list(lines),
            padding="max_length",
            truncation=True,
            max_length=length,
            return_tensors="pt",
        )
        names = ("input_ids", "attention_mask")
        return {name: tokens[name].to(self._place.device) for name in names}
