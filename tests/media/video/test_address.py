"""Videos over HTTP from a server of our own; playlists open nothing else."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

from clips import clip, write_clip
from commands import names, run_here
from wordmask.errors import ImageError
from wordmask.media.video.address import frames_at, is_address, name_of

pytest.importorskip("av", reason="videos need the extra `video`")


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder and notes what is asked for."""

    def log_message(self, *words):
        self.server.asked.append(self.path)

    def do_GET(self):
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", self.server.moved_to)
            self.end_headers()
            return
        super().do_GET()


@pytest.fixture
def server(tmp_path):
    (tmp_path / "served").mkdir()
    handler = partial(Handler, directory=str(tmp_path / "served"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.asked, server.folder, server.moved_to = [], tmp_path / "served", "file:///etc/passwd"
    server.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_come_over_http(server, suffix):
    write_clip(server.folder / f"a{suffix}")
    read = list(frames_at(f"{server.address}/a{suffix}?key=secret"))
    assert [frame.index for frame in read] == list(range(6))
    for frame, pixels in zip(read, clip(), strict=True):
        assert np.abs(frame.image.pixels.astype(int) - pixels).mean() < 8
    assert read[2].image.name == f"{server.address}/a{suffix}#2"


LISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile '{}'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet'
    '><Representation id="1"><BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>',
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("inside", ["file", "http"])
@pytest.mark.parametrize("suffix", [".m3u8", ".mp4", ".mpd"])
def test_playlists_are_refused_and_nothing_in_them_is_opened(server, kind, inside, suffix):
    video = write_clip(server.folder / "secret.ts.mkv")
    target = f"file://{video}" if inside == "file" else f"{server.address}/secret.ts.mkv"
    (server.folder / f"list{suffix}").write_text(LISTS[kind].format(target))
    with pytest.raises(ImageError, match="no playlists"):
        next(frames_at(f"{server.address}/list{suffix}"))
    assert all("secret" not in line for line in server.asked)


def test_a_server_cannot_send_us_to_a_file(server):
    with pytest.raises(ImageError, match="gives no video"):
        next(frames_at(f"{server.address}/moved"))


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/a.mp4", "rtsp://127.0.0.1:9/live"])
def test_nobody_there_is_a_sentence(address):
    with pytest.raises(ImageError, match="gives no video"):
        next(frames_at(address))


def test_addresses_are_known_and_named_without_secrets():
    assert is_address("RTSP://cam/1")
    assert not is_address("file:///etc/passwd")
    assert not is_address("concat:a|b")
    assert name_of("rtsp://me:secret@cam:554/live?token=1") == "rtsp://cam:554/live"


def test_tracking_an_address(server, tmp_path, monkeypatch):
    write_clip(server.folder / "a.mkv")
    out = tmp_path / "out"
    how = ("track", f"{server.address}/a.mkv", "blue", "--model", "fake", "-o", out)
    assert run_here(*how) == 2
    assert server.asked == []
    assert run_here(*how, "--web") == 0
    assert [name.endswith(("-a.mkv.tracks.jsonl", "-a.mkv.tracks.mp4")) for name in names(out)] == [
        True, True,
    ]  # fmt: skip
