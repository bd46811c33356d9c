"""The running mean of a network's weights: what is evaluated and exported."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor, nn

from wordmask.lab.training import shards


class Average:
    """A running mean of all floating-point state: the weights that are exported."""

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        self.modules = modules
        self.state = {
            name: {key: value.clone() for key, value in module.state_dict().items()}
            for name, module in modules.items()
        }

    def update(self, keep: float) -> None:
        """Move towards the modules' present weights; `keep` is the share that stays."""
        for name, module in self.modules.items():
            for key, value in module.state_dict().items():
                mine = self.state[name][key]
                if value.is_floating_point():
                    mine.lerp_(value, 1 - keep)
                else:
                    mine.copy_(value)

    def load(self, state: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Go on from such a state."""
        for name, values in self.state.items():
            for key, mine in values.items():
                mine.copy_(shards.part_of(state[name][key], mine))

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The modules have the averaged weights for as long as this lasts."""
        states = shards.gather(self.state)
        with shards.whole(self.modules):
            own = {
                name: {key: value.clone() for key, value in module.state_dict().items()}
                for name, module in self.modules.items()
            }
            try:
                self._give(states)
                yield
            finally:
                self._give(own)

    def make_whole(self) -> None:
        """Modules and means are no longer in parts."""
        shards.make_whole(self.modules)
        self.state = shards.gather(self.state)

    def _give(self, states: Mapping[str, Mapping[str, Tensor]]) -> None:
        for name, module in self.modules.items():
            for key, value in module.state_dict().items():
                value.copy_(states[name][key])
