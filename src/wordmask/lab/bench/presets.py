"""Protocols with a name: the resize, window, templates, scale, background and threshold behind a published figure.

A run says which preset it followed and every point in which it did not (`deviations`), because figures of
different protocols cannot be compared.
"""

from dataclasses import dataclass, fields

from wordmask.errors import OptionError, did_you_mean

# Our own list of stuff that VOC does not name. SCLIP uses such a list too; its words are not published under a
# licence, so ours differ, and every result says so.
STUFF = (
    "sky", "cloud", "wall", "ceiling", "floor", "window", "door", "curtain", "stairs", "building", "fence", "road",
    "pavement", "railway", "bridge", "grass", "tree", "bush", "flower", "soil", "sand", "rock", "hill", "mountain",
    "snow", "water", "sea", "river", "bed", "desk", "shelf", "wardrobe", "lamp", "carpet", "wood",
)  # fmt: skip
OWN_STUFF = "background words: this project's own list; SCLIP's is not published under a licence"


@dataclass(frozen=True)
class Preset:
    """What is pinned. Empty fields leave the choice to the run."""

    name: str
    data: str
    source: str
    how: str = "dense"
    short_side: int = 0  # pixels; 0 = the picture as it is
    slide_crop: int = 0
    slide_stride: int = 0
    templates: int = 0
    logit_scale: float = 0.0
    threshold: float = 0.0  # a pixel whose best probability is below this is background
    background_words: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()  # known ones, whatever the model


_SCLIP = "SCLIP (Wang, Mei, Yuille, ECCV 2024)"


def _sclip(data: str, **pinned: object) -> Preset:
    settings = {
        "short_side": 336,
        "slide_crop": 224,
        "slide_stride": 112,
        "templates": 80,
        "logit_scale": 40.0,
    } | pinned
    return Preset(f"{data}/sclip", data, _SCLIP, **settings)  # type: ignore[arg-type]  # a row of the table below


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        _sclip("voc20"),
        _sclip(
            "voc21",
            logit_scale=65.0,
            threshold=0.1,
            background_words=STUFF,
            deviations=(OWN_STUFF,),
        ),
        _sclip("context59"),
        _sclip("context60", threshold=0.1, background_words=STUFF, deviations=(OWN_STUFF,)),
        _sclip("coco-object", threshold=0.1, background_words=STUFF, deviations=(OWN_STUFF,)),
        _sclip("coco-stuff", short_side=448),
        _sclip("ade20k"),
        _sclip("cityscapes", short_side=560),
        Preset(
            "voc21/plain",
            "voc21",
            "this project: the engine's own settings, background = nothing said",
        ),
        Preset("voc20/plain", "voc20", "this project: the engine's own settings"),
    )
}


def preset(name: str) -> Preset:
    """The preset of a name such as `voc21/sclip`."""
    if name not in PRESETS:
        raise OptionError(f"there is no protocol preset {name!r}.{did_you_mean(name, PRESETS)}")
    return PRESETS[name]


def pinned(chosen: Preset) -> dict[str, object]:
    """What the preset fixes, for the result file."""
    skipped = {"name", "deviations"}
    return {
        item.name: value
        for item in fields(chosen)
        if item.name not in skipped and (value := getattr(chosen, item.name))
    }
