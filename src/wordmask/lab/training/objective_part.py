"""What objectives share that train one part of exported files, while the others stay."""

from pathlib import Path
from typing import Any

from wordmask.errors import WeightsError
from wordmask.files import digest
from wordmask.lab.training.loop import TrainOptions


class PartObjective:
    """A checkpoint of a part belongs to the files that the part was trained for."""

    options: TrainOptions
    files: Path
    """Folder of the exported files."""

    def evaluate(self) -> dict[str, float]:
        """None by itself: a part is judged by what is exported."""
        return {}

    def state(self) -> dict[str, Any]:
        """Which files these are, wherever they lie."""
        return {"files": digest(self.files / "mini.json")}

    def load_state(self, state: dict[str, Any]) -> None:
        if state["files"] != digest(self.files / "mini.json"):
            raise WeightsError(
                f"the checkpoint in {self.options.out} was trained for other files than those in "
                f"{self.files} (mini.json was {state['files'][:12]}); train into another folder"
            )
