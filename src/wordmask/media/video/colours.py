"""What a video says about its colours; a copy must say the same, or players show others.

The numbers are those of the standard (ITU-T H.273), which FFmpeg and every container use.
"""

from typing import Any, NamedTuple

# The matrix of H.273 -> PyAV's number for it.
MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
UNKNOWN = 2


class Colours(NamedTuple):
    """How the numbers of a video become colours."""

    matrix: int = UNKNOWN  # from brightness and two differences to red, green, blue
    range: int = 0  # 0: unknown, 1: 16 to 235, 2: 0 to 255
    primaries: int = UNKNOWN
    curve: int = UNKNOWN  # from light to numbers

    def tag(self, codec: Any) -> None:
        """Say so in a stream that is written."""
        codec.colorspace, codec.color_range = self.matrix, self.range
        codec.color_primaries, codec.color_trc = self.primaries, self.curve

    def from_rgb(self, frame: Any, pixel_format: str) -> Any:
        """A frame of RGB in the numbers of this video."""
        return frame.reformat(
            format=pixel_format,
            dst_colorspace=MATRICES.get(self.matrix),
            dst_color_range=self.range or None,
        )


BT709 = Colours(1, 1, 1, 1)  # what players expect of a video without a past


def colours_of(stream: Any) -> Colours:
    """Those of a stream that is read. What is no brightness and difference is not kept."""
    codec = stream.codec_context
    if codec.colorspace not in MATRICES:
        return Colours(range=int(codec.color_range))
    return Colours(
        int(codec.colorspace),
        int(codec.color_range),
        int(codec.color_primaries),
        int(codec.color_trc),
    )
