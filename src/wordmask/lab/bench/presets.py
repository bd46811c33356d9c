"""Protocols by name: the resize, window, templates, scale, background words and threshold behind
a published figure.

A run says which preset it followed and every point in which it did not (`deviations`), because
figures of different protocols cannot be compared.
"""

from dataclasses import dataclass, fields, replace
from typing import Literal

from wordmask.errors import OptionError, did_you_mean

# Our own list of stuff that VOC does not name. SCLIP uses such a list too; its words are not
# published under a licence, so ours differ, and every result says so.
STUFF = (
    "sky", "cloud", "wall", "ceiling", "floor", "window", "door", "curtain", "stairs", "building",
    "fence", "road", "pavement", "railway", "bridge", "grass", "tree", "bush", "flower", "soil",
    "sand", "rock", "hill", "mountain", "snow", "water", "sea", "river", "bed", "desk", "shelf",
    "wardrobe", "lamp", "carpet", "wood",
)  # fmt: skip
OWN_STUFF = "background words: this project's own list; SCLIP's is not published under a licence"


@dataclass(frozen=True)
class Preset:
    """What a protocol pins. Fields that are empty or 0 leave the choice to the run."""

    name: str
    data: str
    source: str
    how: Literal["dense", "unified", "guided", "everything", "grounded"] = "dense"
    short_side: int = 0  # pixels; 0 = the picture as it is
    slide_crop: int = 0
    slide_stride: int = 0
    templates: int = 0
    logit_scale: float = 0.0
    threshold: float = 0.0  # a pixel whose best probability is below this is background
    background_words: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()  # those that every run has, whatever the model

    @property
    def region_way(self) -> Literal["unified", "guided", "everything", "grounded"]:
        """`how` for a bench of regions: of a dense answer they are its connected pieces."""
        return "unified" if self.how == "dense" else self.how


_SCLIP = Preset(
    "sclip",
    "",
    "SCLIP (Wang, Mei, Yuille, ECCV 2024)",
    short_side=336,
    slide_crop=224,
    slide_stride=112,
    templates=80,
    logit_scale=40.0,
)
_SCLIP_BACKGROUND = replace(_SCLIP, threshold=0.1, background_words=STUFF, deviations=(OWN_STUFF,))
_PLAIN = "this project: the engine's own settings"

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        replace(_SCLIP, name="voc20/sclip", data="voc20"),
        replace(_SCLIP_BACKGROUND, name="voc21/sclip", data="voc21", logit_scale=65.0),
        replace(_SCLIP, name="context59/sclip", data="context59"),
        replace(_SCLIP_BACKGROUND, name="context60/sclip", data="context60"),
        replace(_SCLIP_BACKGROUND, name="coco-object/sclip", data="coco-object"),
        replace(_SCLIP, name="coco-stuff/sclip", data="coco-stuff", short_side=448),
        replace(_SCLIP, name="ade20k/sclip", data="ade20k"),
        replace(_SCLIP, name="cityscapes/sclip", data="cityscapes", short_side=560),
        Preset("voc21/plain", "voc21", f"{_PLAIN}, background = nothing said"),
        Preset("voc20/plain", "voc20", _PLAIN),
    )
}


def find_preset(name: str) -> Preset:
    """The preset of a name such as `voc21/sclip`."""
    if name not in PRESETS:
        raise OptionError(f"there is no protocol preset {name!r}.{did_you_mean(name, PRESETS)}")
    return PRESETS[name]


def pinned_fields(preset: Preset) -> dict[str, object]:
    """What the preset fixes, for the result file."""
    found = {}
    for item in fields(preset):
        value = getattr(preset, item.name)
        if value and item.name not in ("name", "deviations"):
            found[item.name] = value
    return found
