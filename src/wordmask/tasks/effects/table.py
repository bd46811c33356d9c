"""The table of the effects: what every door offers."""

from collections.abc import Callable
from typing import Any, NamedTuple

from wordmask.core.image import Image
from wordmask.tasks.effects import background, edge, overlay, surface


class Effect(NamedTuple):
    """One look."""

    function: Callable[..., Image]  # (image, result, options)
    options: type[Any]


EFFECTS: dict[str, Effect] = {
    "hue": Effect(surface.hue, surface.HueOptions),
    "recolour": Effect(surface.recolour, surface.RecolourOptions),
    "blur": Effect(background.blur, background.BlurOptions),
    "desaturate": Effect(background.desaturate, background.DesaturateOptions),
    "spotlight": Effect(background.spotlight, background.SpotlightOptions),
    "outline": Effect(edge.outline, edge.OutlineOptions),
    "glow": Effect(edge.glow, edge.GlowOptions),
    "pixelate": Effect(surface.pixelate, surface.PixelateOptions),
    "sticker": Effect(edge.sticker, edge.StickerOptions),
    "backdrop": Effect(background.backdrop, background.BackdropOptions),
    "shadow": Effect(background.shadow, background.ShadowOptions),
    "overlay": Effect(overlay.overlay, overlay.OverlayOptions),
}
