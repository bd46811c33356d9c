"""An edit written down so that it can be made again: masks, painter, options, the result.

The masks themselves are in a recipe, so replaying it needs the picture and the painter, never the
model that found the masks. A classical edit replays to the same bytes; a diffusion one to the same
seed on the same kind of machine.
"""

from dataclasses import asdict, dataclass, field, fields
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Interval

from wordmask.core.image import Size
from wordmask.core.masks import Masks
from wordmask.core.options import check
from wordmask.core.result import Result
from wordmask.errors import FormatError, Mend, OptionError
from wordmask.tasks.edit import EditOptions, Style

VERSION = 1
DIFFUSION = "sd1.5-inpaint"  # the painter of `use_inpainting` where no `fill_model` is given


@dataclass(frozen=True)
class PaintOptions:
    """What paints."""

    fill: Literal[
        "auto", "none", "classical", "patch", "telea", "navier-stokes", "lama", "diffusion"
    ] = "auto"
    """auto (diffusion with use_inpainting, else classical), classical (the same as patch), patch,
    telea, navier-stokes, lama, diffusion, or none: blackens (remove) or paints the mask white on
    black (replace)."""
    use_inpainting: bool = False
    """Paint with a diffusion model; needs the extra `edit`."""
    fill_model: str = ""
    """The painter's weights: a diffusers folder, hub:owner/name, a name from `wordmask models`, or
    LaMa's .onnx."""
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
                f"use_inpainting paints by diffusion, but fill is {self.fill}; use one of the two",
                mend=Mend("fill", "diffusion"),
            )
        if self.fill_model and self.fill not in ("auto", "lama", "diffusion"):
            raise OptionError(
                f"the fill {self.fill} has no weights, so fill_model says nothing; leave it out, "
                "or use the fill lama or diffusion",
                mend=Mend("fill", "lama"),
            )
        if self.fill == "lama" and not self.fill_model:
            raise OptionError(
                "the fill lama needs its weights (see docs/editing.md)",
                mend=Mend("fill_model", "big-lama.onnx"),
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
        if self.fill_model:
            return self.fill_model
        return "patch" if self.fill in ("auto", "classical") else self.fill


@dataclass(frozen=True, eq=False)
class Recipe:
    """One edit of one picture."""

    verb: Literal["remove", "replace", "style"]
    picture: str  # the path, from the recipe's folder where it can be
    digest: str  # of the picture's 8-bit colours: `Image.digest`
    target: Result  # the regions
    words: str = ""  # the option edit_prompt
    style: Style | Literal[""] = ""  # of the styles that need no model
    reference: str = ""  # the picture that gives a style its colours
    paint: PaintOptions = field(default_factory=PaintOptions)
    edit: EditOptions = field(default_factory=EditOptions)
    made_by: tuple[str, ...] = ()
    output: str = ""  # sha256 of the PNG that came of it

    def __post_init__(self) -> None:
        check(self)

    def to_json(self) -> dict[str, Any]:
        height, width = self.target.size
        return {
            "wordmask_recipe": VERSION,
            **{name: getattr(self, name) for name in _TEXTS},
            "made_by": list(self.made_by),
            "size": [height, width],
            "regions": _write_regions(self.target),
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
            return cls._read(value)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FormatError(f"broken edit recipe: {type(error).__name__} {error}") from None

    @classmethod
    def _read(cls, value: dict[str, Any]) -> "Recipe":
        texts = {name: value[name] for name in _TEXTS}
        if not all(isinstance(text, str) for text in texts.values()):
            raise TypeError(f"{', '.join(_TEXTS)} must be strings")
        height, width = value["size"]
        return cls(
            target=_read_regions(value["regions"], (int(height), int(width))),
            paint=_read_options(PaintOptions, value["paint"]),
            edit=_read_options(EditOptions, value["edit"]),
            made_by=tuple(map(str, value["made_by"])),
            **texts,
        )


_TEXTS = ("verb", "picture", "digest", "words", "style", "reference", "output")


def _write_regions(target: Result) -> list[dict[str, Any]]:
    rows = zip(target.names, target.scores.tolist(), target.masks.to_rle(), strict=True)
    return [{"name": name, "score": round(score, 4), "mask": code} for name, score, code in rows]


def _read_regions(regions: list[dict[str, Any]], size: Size) -> Result:
    if not isinstance(regions, list):
        raise TypeError(f"regions must be a list, got {type(regions).__name__}")
    names = [str(row["name"]) for row in regions]
    vocabulary = tuple(dict.fromkeys(name for name in names if name))
    masks = Masks.from_rle([row["mask"] for row in regions], size)
    label_ids = [vocabulary.index(name) if name else -1 for name in names]
    scores = np.array([float(row["score"]) for row in regions], np.float32)
    return Result.of(masks, vocabulary, scores=scores, label_ids=label_ids)


def _read_options(kind: type, values: dict[str, Any]) -> Any:
    """The dataclass, which checks its values itself; unknown names are an error."""
    known = {item.name for item in fields(kind)}
    for name in values:
        if name not in known:
            raise OptionError(f"{kind.__name__} has no {name!r}")
    return kind(**values)
