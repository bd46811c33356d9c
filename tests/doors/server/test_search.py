"""The index that is searched over HTTP."""

import base64
import shutil
import sys
from hashlib import sha256
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip("lancedb", reason="the extra `search` is not installed")

from albums import draw_album, draw_shapes, find, index
from commands import run_here
from serving import open_client, send
from wordmask.core.masks import Masks
from wordmask.doors.server.indexed import ServedIndex
from wordmask.doors.server.problems import RefusalError
from wordmask.errors import MissingExtraError


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("served")
    draw_album(home / "album")
    large = np.full((600, 900, 3), 255, np.uint8)
    cv2.rectangle(large, (100, 100), (500, 400), (20, 20, 220), -1)
    (home / "album/large.png").write_bytes(cv2.imencode(".png", large)[1].tobytes())
    index(home / "album", home / "db")
    return home


@pytest.fixture(scope="module")
def client(home):
    with open_client(index=home / "db") as client:
        yield client


def ask(client, **query):
    return client.post("/v1/search", json=query)


def id_of(path):
    return sha256(path.read_bytes()).hexdigest()


def test_words_are_found_as_by_the_command(client, home):
    answer = ask(client, words=["red", "cat"])
    assert answer.status_code == 200, answer.text
    told, known = answer.json(), find(home / "db", "red", "cat")
    assert [(one["label"], one["score"], one["mask"]["counts"]) for one in told["found"]] == [
        (hit.word, hit.score, hit.row.mask) for hit in known.hits
    ]
    assert told["not_here"] == [word._asdict() for word in known.absent]
    assert {one["name"] for one in told["found"]} == {"red.png", "both.png", "large.png"}
    first = next(one for one in told["found"] if one["name"] == "red.png")
    assert first["picture"] == id_of(home / "album/red.png")
    assert Masks.from_rle([first["mask"]]).one(0)[48, 90]
    assert str(home) not in answer.text


def test_the_same_can_be_asked_as_of_the_command(client):
    near = ask(client, words=["red"], near="blue", where="width = 128").json()["found"]
    assert [one["name"] for one in near] == ["both.png"]
    assert "beside" in near[0]
    assert len(ask(client, words=["red"], options={"top": 1}).json()["found"]) == 1
    assert ask(client, words=["red"], **{"not": ["red"]}).status_code == 200


def test_more_like_one_that_was_found(client, home):
    found = ask(client, words=["red"], where="width = 128").json()["found"][0]
    like = {"picture": found["picture"], "box": found["box"]}
    names = {one["name"] for one in ask(client, like=like).json()["found"]}
    assert {"red.png", "both.png"} <= names
    data = (home / "album/red.png").read_bytes()
    inline = {"base64": base64.b64encode(data).decode()}
    for picture in (inline, send(client, data)):
        answer = ask(client, like={"picture": picture, "points": [[90, 48]]})
        assert answer.json()["found"], answer.text
    whole = ask(client, like={"picture": inline}).json()["found"]
    assert whole[0]["name"] == "red.png"


def test_pictures_are_shown_small(client, home):
    answer = client.get(f"/v1/search/pictures/{id_of(home / 'album/large.png')}")
    assert answer.headers["content-type"] == "image/jpeg"
    pixels = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape == (341, 512, 3)


@pytest.mark.parametrize(
    "id", ["0" * 64, "..%2f..%2fetc%2fpasswd", "album%2fred.png", "' OR '1'='1", "0" * 63 + "%00"]
)
def test_nothing_else_is_shown(client, id):
    assert client.get(f"/v1/search/pictures/{id}").status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"words": ["red"], "where": "1=1; DROP TABLE regions"}, "where"),
        ({"words": ["red"], "where": "path LIKE '/%'"}, "where"),
        ({"words": ["red"], "where": "width > 'a' AND"}, "where"),
        ({"words": ["red"], "like": {"picture": "0" * 64}}, "words"),
        ({"near": "red", "like": {"picture": "0" * 64}}, "near"),
        ({"words": ["red"], "options": {"top": 0}}, "options.top"),
        ({"words": ["red"], "folder": "/etc"}, "folder"),
        ({"words": ["red"] * 1001}, "words"),
        ({"words": ["red"], "model": "mini"}, "model"),
        ({"like": {"picture": "/etc/passwd"}}, None),
    ],
)
def test_what_cannot_be_asked_is_refused_without_a_path(client, home, query, field):
    answer = ask(client, **query)
    assert answer.status_code == 422, answer.text
    assert field in (None, answer.json()["field"])
    assert str(home) not in answer.text


def test_an_example_that_is_nowhere_is_404(client):
    assert ask(client, like={"picture": "0" * 64}).status_code == 404


def test_a_picture_that_has_gone_or_changed_is_404(tmp_path):
    picture = draw_shapes(tmp_path / "album/red.png", ("red", "disc", 40))
    index(tmp_path / "album", tmp_path / "db")
    with open_client(index=tmp_path / "db") as client:
        address = f"/v1/search/pictures/{id_of(picture)}"
        assert client.get(address).status_code == 200
        draw_shapes(picture, ("blue", "disc", 40))
        assert client.get(address).status_code == 404, "another content is not shown"
        picture.unlink()
        gone = client.get(address)
        assert (gone.status_code, gone.json()["field"]) == (404, "picture")
        assert str(tmp_path) not in gone.text
        assert ask(client, words=["red"]).json()["found"], "its region is still in the index"


def test_engines_that_did_not_make_the_index_are_refused(home):
    with pytest.raises(RefusalError, match="was made by fake") as caught:
        ServedIndex(home / "db").open(SimpleNamespace(made_by=("other",)))
    assert caught.value.more["field"] == "model"
    assert str(home) not in caught.value.detail


def test_a_broken_index_is_told_without_its_place(home, tmp_path):
    db = shutil.copytree(home / "db", tmp_path / "db")
    with open_client(index=db) as client:
        shutil.rmtree(db / "regions.lance")
        answer = ask(client, words=["red"])
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text


def test_a_token_is_asked_for(home):
    with open_client(index=home / "db", token="secret") as client:
        red = id_of(home / "album/red.png")
        assert ask(client, words=["red"]).status_code == 401
        for path in ("/v1/search", f"/v1/search/pictures/{red}"):
            assert client.get(path).status_code == 401
            known = client.get(path, headers={"authorization": "Bearer secret"})
            assert known.status_code == 200


def test_what_is_served_is_told(client):
    about = client.get("/v1/search").json()
    assert (about["index"], about["pictures"]) == ("db", 4)
    assert "path" not in about["columns"]
    schema = client.get("/openapi.json").json()
    assert "not" in schema["components"]["schemas"]["FindQuery"]["properties"]
    with open_client() as other:
        assert other.get("/v1/search").json() == {"index": None}
        assert ask(other, words=["red"]).status_code == 404


def test_an_index_that_is_none_is_told_at_the_start(tmp_path, home, monkeypatch, capsys):
    started = run_here("serve", "--index", tmp_path / "db", "--port", "0", "-m", "fake")
    assert started == 2
    assert "is no index; " in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "lancedb", None)
    with pytest.raises(MissingExtraError, match=r"wordmask\[search\]"), open_client(index=home):
        pass
