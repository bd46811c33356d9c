"""The client, against the app on a real socket."""

import asyncio
import socket
import threading
import time

import numpy as np
import pytest

pytest.importorskip("uvicorn", reason="the server needs the extra `serve`")
import uvicorn

from serving import lawn_png
from wordmask import AsyncClient, Client
from wordmask.doors.client import _Reply, retry_after
from wordmask.doors.server.app import make_app
from wordmask.doors.server.options import ServeOptions
from wordmask.errors import OptionError, RemoteError
from wordmask.tasks.click import ClickOptions
from wordmask.tasks.segment import SegmentOptions


@pytest.fixture(scope="module")
def app():
    return make_app(ServeOptions(model=("fake",), workers=2, token="hush"))


@pytest.fixture(scope="module")
def address(app):
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def client(address):
    with Client(address, token="hush", timeout_s=10) as client:
        yield client


def test_every_kind_of_picture_and_every_question(client, tmp_path):
    path = tmp_path / "lawn.png"
    path.write_bytes(lawn_png())
    id = client.send(path)
    for picture in (path, str(path), lawn_png(), id):
        result = client.segment(picture, ["red", "purple"], SegmentOptions(min_region_size=50))
        assert result.names == ("red",)
        assert result.masks.one(0)[60, 45]
    clicked = client.click(id, [(45, 60)], words=["red"], options=ClickOptions(candidates=1))
    assert clicked.names == ("red",)
    assert len(client.click(id, box=(25, 40, 65, 80))) >= 1
    assert len(client.everything(np.zeros((40, 40, 3), np.uint8))) >= 0
    assert client.edit(id, "remove", {"words": ["red"]}, fill="telea").size == (120, 160)
    assert client.effect(id, "blur", {"boxes": [[25, 40, 65, 80]]}).size == (120, 160)
    assert client.models()[0]["name"] == "fake"


def test_a_forgotten_picture_is_sent_again(client, app):
    client.segment(lawn_png(), "red")
    app.state.service.store.trim(0)
    app.state.service.store._pictures.clear()
    assert client.segment(lawn_png(), "red").names == ("red",)


def test_a_batch_is_waited_for_and_fetched(client, tmp_path):
    job = client.batch([lawn_png(), lawn_png((130, 160))], ["red"], format=["jsonl"])
    (path,) = client.fetch(job, tmp_path / "out")
    assert len(path.read_text().splitlines()) == 2


def test_refusals_carry_status_and_field(client, address, tmp_path):
    with pytest.raises(RemoteError, match="outside") as refused:
        client.click(lawn_png(), [(999, 999)])
    assert (refused.value.status, refused.value.field) == (422, "points")
    with pytest.raises(RemoteError) as unknown:
        client.segment("0" * 64, "red")
    assert unknown.value.status == 404
    with (
        Client(address, token="wrong") as other,
        pytest.raises(RemoteError, match="token") as stranger,
    ):
        other.models()
    assert stranger.value.status == 401
    with pytest.raises(RemoteError, match="cannot be asked"):
        Client("http://127.0.0.1:9", timeout_s=1).models()
    with pytest.raises(OptionError, match="http://"):
        Client("ftp://somewhere")
    with pytest.raises(OptionError, match=r"gone\.png"):
        client.send(tmp_path / "gone.png")


def test_a_busy_server_is_asked_again(client, app, monkeypatch):
    from wordmask.doors.server.problems import busy

    lane, times = app.state.service.lane, []

    def submit(*arguments, **named):
        times.append(time.monotonic())
        if len(times) == 1:
            raise busy(1)
        return type(lane).submit(lane, *arguments, **named)

    monkeypatch.setattr(lane, "submit", submit)
    assert client.segment(client.send(lawn_png()), "red").names == ("red",)
    assert times[1] - times[0] >= 1


def test_many_at_a_time_by_asyncio(address):
    async def ask():
        async with AsyncClient(address, token="hush") as client:
            id = await client.send(lawn_png())
            questions = [client.segment(id, ["red"]), client.click(id, [(45, 60)])]
            return await asyncio.gather(*questions, client.everything(id))

    segmented, clicked, everything = asyncio.run(ask())
    assert segmented.names == ("red",)
    assert len(clicked) >= 1
    assert len(everything) >= 2


@pytest.mark.parametrize("address", ["http://h:99999", "http://h:x", "http://[::1", "ftp://h", ""])
def test_what_is_no_address_is_told(address):
    with pytest.raises(OptionError, match="an address is"):
        Client(address)


def test_a_proxy_may_name_a_date_to_come_back(client):
    for text, seconds in (("Wed, 21 Oct 2026 07:28:00 GMT", 1), ("3", 3), ("nan", 1), ("", 1)):
        assert retry_after(_Reply(503, {"retry-after": text}, b"")) == seconds


def test_points_may_be_an_array_and_a_missing_video_is_told(client):
    found = client.click(lawn_png(), np.array([[40.0, 40.0]]))
    assert len(found)
    with pytest.raises(OptionError, match="cannot be read"):
        client.track("/nowhere/street.mp4", ["car"])


@pytest.mark.parametrize(("ask", "times"), [("batch", 1), ("segment", 2)])
def test_work_is_never_started_twice_where_a_connection_breaks(ask, times):
    asked = []

    def hang_up(listening):
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(1 << 16))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=hang_up, args=(listening,), daemon=True).start()
        port = listening.getsockname()[1]
        pictures = ["0" * 64] if ask == "batch" else "0" * 64
        with Client(f"http://127.0.0.1:{port}", timeout_s=20) as client:
            question = getattr(client, ask)
            with pytest.raises(RemoteError, match="cannot be asked"):
                question(pictures, ["red"])
        listening.shutdown(socket.SHUT_RDWR)
    assert len(asked) == times
