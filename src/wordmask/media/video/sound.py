"""The sound of one video copied into another, packet by packet, without encoding it again."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

from wordmask.errors import ImageError
from wordmask.media.video.read import DEFAULT, open_video, pyav

LEAD_S = 0.1  # of sound before the first frame that is kept: encoders need some to swing in


class SoundCopy:
    """The sound of a video on its way into another; begun, continued and closed by the sink."""

    def __init__(self, packets: Iterator[Any], stream: Any, origin_s: float) -> None:
        self._packets = packets
        self._stream = stream
        self._origin_s = origin_s
        self._stack = ExitStack()
        self._waiting: Any = None

    @classmethod
    def begin(cls, source: Path, container: Any, origin_s: float) -> "SoundCopy | None":
        """A stream of sound added to `container`; None where there is none that it can hold.

        `origin_s` is the time in `source` that is 0 in `container`.
        """
        with ExitStack() as stack:
            opened, _ = stack.enter_context(open_video(source, DEFAULT))
            if not opened.streams.audio:
                return None
            sound = opened.streams.audio[0]
            codec = sound.codec_context
            if codec is None or codec.name not in container.supported_codecs:
                logging.getLogger(__name__).warning(
                    "%s: its sound is in a form that %s cannot hold, so it is left out",
                    source, container.format.name,
                )  # fmt: skip
                return None
            stream = container.add_stream_from_template(sound)
            copy = cls(_packets_of(opened, sound), stream, origin_s)
            copy._stack = stack.pop_all()
        return copy

    def copy_until(self, time_s: float) -> None:
        """Write the packets that begin before `time_s`."""
        while True:
            packet = self._waiting or next(self._packets, None)
            self._waiting = None
            if packet is None:
                return
            begins_s = float(packet.pts * packet.time_base) - self._origin_s
            if begins_s >= time_s:
                self._waiting = packet
                return
            if begins_s >= -LEAD_S:
                shift = round(Fraction(self._origin_s) / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = self._stream
                self._stream.container.mux(packet)

    def close(self) -> None:
        self._stack.close()


def _packets_of(container: Any, stream: Any) -> Iterator[Any]:
    """Packets with a time. Sound that breaks off ends there: the frames say what is broken."""
    try:
        for packet in container.demux(stream):
            if packet.pts is not None and packet.dts is not None:
                yield packet
    except (pyav().error.FFmpegError, ImageError):
        return
