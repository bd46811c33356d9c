"""Two discs that move: frames, and a video of them."""

from drawing import paint_discs
from wordmask.media.video.write import VideoSink

SIZE = (120, 200)
RED, BLUE = (220, 20, 20), (20, 20, 220)


def frame(k, blue=True):
    """A red disc that moves right; a blue one that moves left and is hidden for a while."""
    return paint_discs(
        SIZE, (30 + 4 * k, 30, 12, RED), *([(170 - 4 * k, 90, 12, BLUE)] if blue else [])
    )


def write_discs(path):
    """20 frames; the blue disc is hidden in frames 8 to 11."""
    with VideoSink(path, 12) as sink:
        for k in range(20):
            sink.write(frame(k, blue=not 8 <= k < 12))
    return path
