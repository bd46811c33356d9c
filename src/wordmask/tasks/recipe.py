"""An edit written down so that it can be made again: what was masked, with what, how, and what came of it.

The masks themselves are in it, so replaying needs the picture and the painter, never the model that found them.
A classical edit replays to the same bytes; a diffusion one to the same seed on the same kind of machine.
"""

from dataclasses import asdict, dataclass, field, fields
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Interval

from wordmask.core.masks import Masks
from wordmask.core.options import check
from wordmask.core.result import Result
from wordmask.errors import FormatError, OptionError, PromptError
from wordmask.tasks.edit import EditOptions, Style

VERSION = 1
DIFFUSION = (
    "sd1.5-inpaint"  # the painter that --use-inpainting means where no --fill-model is given
)


@dataclass(frozen=True)
class PaintOptions:
    """What paints."""

    fill: Literal[
        "auto", "none", "classical", "patch", "telea", "navier-stokes", "lama", "diffusion"
    ] = "auto"
    """auto (diffusion with use_inpainting, else classical), classical (the same as patch), patch, telea, navier-stokes,
    lama, diffusion, or none: blackens (remove) or paints the mask white on black (replace)."""
    use_inpainting: bool = False
    """Paint with a diffusion model; needs the extra `edit`."""
    fill_model: str = ""
    """The painter's weights: a diffusers folder, hub:owner/name, a name from `wordmask models`, or LaMa's .onnx."""
    steps: Annotated[int, Interval(ge=1, le=1000)] = 30
    """Diffusion steps: more is slower and finer."""
    guidance: Annotated[float, Interval(ge=0, le=100)] = 7.5
    """How strictly diffusion follows the words."""
    strength: Annotated[float, Interval(ge=0.01, le=1)] | None = None
    """How much of what is there diffusion may change, 0 to 1; default 1, and 0.6 for style."""
    negative: str = ""
    """What diffusion shall not paint."""

    def __post_init__(self) -> None:
        check(self)
        if self.use_inpainting and self.fill not in ("auto", "diffusion"):
            raise OptionError(
                f"--use-inpainting paints by diffusion, --fill {self.fill} does not; give one of the two"
            )
        if self.fill_model and self.fill not in ("auto", "lama", "diffusion"):
            raise OptionError(
                f"--fill {self.fill} has no model; leave out --fill-model, or say lama or diffusion"
            )
        if self.fill == "lama" and not self.fill_model:
            raise OptionError(
                "--fill lama needs the file: --fill-model big-lama.onnx (see docs/editing.md)"
            )

    @property
    def diffuses(self) -> bool:
        return self.use_inpainting or self.fill == "diffusion"

    @property
    def engine(self) -> str | None:
        """The painter's name for `engines.load`; None: no painter."""
        if self.fill == "none":
            return None
        if self.diffuses:
            return self.fill_model or DIFFUSION
        if self.fill == "lama":
            return self.fill_model
        return self.fill_model or ("patch" if self.fill in ("auto", "classical") else self.fill)


@dataclass(frozen=True, eq=False)
class Recipe:
    """One edit of one picture."""

    verb: Literal["remove", "replace", "style"]
    picture: str  # the path, from the recipe's folder where it can be
    digest: str  # of the picture's 8-bit colours: `Image.digest`
    target: Result  # the regions
    words: str = ""  # --edit-prompt
    style: Style | Literal[""] = ""  # of the offline ones
    reference: str = ""  # the picture that gives a style its colours
    paint: PaintOptions = field(default_factory=PaintOptions)
    edit: EditOptions = field(default_factory=EditOptions)
    made_by: tuple[str, ...] = ()
    output: str = ""  # sha256 of the PNG that came of it

    def __post_init__(self) -> None:
        check(self)

    def to_json(self) -> dict[str, Any]:
        target = self.target
        codes = target.masks.to_rle()
        rows = zip(target.names, target.scores.tolist(), codes, strict=True)
        regions = [
            {"name": name, "score": round(score, 4), "mask": code} for name, score, code in rows
        ]
        plain = {name: getattr(self, name) for name in _PLAIN}
        height, width = target.size
        return {
            "wordmask_recipe": VERSION,
            **plain,
            "made_by": list(self.made_by),
            "size": [height, width],
            "regions": regions,
            "paint": asdict(self.paint),
            "edit": asdict(self.edit),
        }

    @classmethod
    def from_json(cls, value: Any) -> "Recipe":
        """The recipe, checked: a file from a stranger can be wrong in every place."""
        if not isinstance(value, dict) or value.get("wordmask_recipe") != VERSION:
            got = value.get("wordmask_recipe") if isinstance(value, dict) else type(value).__name__
            raise FormatError(
                f"not an edit recipe of version {VERSION}: got {got!r}; `wordmask edit` writes them"
            )
        try:
            plain = {name: value[name] for name in _PLAIN}
            if not all(isinstance(text, str) for text in plain.values()):
                raise TypeError(f"{', '.join(_PLAIN)} must be strings")
            height, width = value["size"]
            target = _target(value["regions"], (int(height), int(width)))
            paint, edit = (
                _options(PaintOptions, value["paint"]),
                _options(EditOptions, value["edit"]),
            )
            return cls(
                target=target,
                paint=paint,
                edit=edit,
                made_by=tuple(map(str, value["made_by"])),
                **plain,
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FormatError(f"broken edit recipe: {type(error).__name__} {error}") from None


_PLAIN = ("verb", "picture", "digest", "words", "style", "reference", "output")


def chosen(result: Result, regions: tuple[int, ...]) -> Result:
    """Only the regions of these numbers, counted from 0, best first, as they stand in a saved result; none: all."""
    for number in regions:
        if not 0 <= number < len(result):
            raise PromptError(
                f"there is no region {number}: the result has {len(result)}, counted from 0"
            )
    return result[list(regions)] if regions else result


def _target(regions: list[dict[str, Any]], size: tuple[int, int]) -> Result:
    if not isinstance(regions, list):
        raise TypeError(f"regions must be a list, got {type(regions).__name__}")
    names = [str(row["name"]) for row in regions]
    vocabulary = tuple(dict.fromkeys(name for name in names if name))
    masks = Masks.from_rle([row["mask"] for row in regions], size)
    label_ids = [vocabulary.index(name) if name else -1 for name in names]
    scores = np.array([float(row["score"]) for row in regions], np.float32)
    return Result.of(masks, vocabulary, scores=scores, label_ids=label_ids)


def _options(kind: type, values: dict[str, Any]) -> Any:
    """The dataclass with each value of its field's type; unknown names are an error."""
    known = {item.name: item.default for item in fields(kind)}
    for name, value in values.items():
        if name not in known:
            raise OptionError(f"{kind.__name__} has no {name!r}")
        default = known[name]
        wanted = (int, float) if isinstance(default, float) or default is None else type(default)
        if value is not None and (
            not isinstance(value, wanted) or isinstance(value, bool) != isinstance(default, bool)
        ):
            raise TypeError(f"{name} must be {type(default).__name__}, got {value!r}")
    return kind(**values)
