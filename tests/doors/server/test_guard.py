"""Who may ask: hosts, origins, tokens, greedy clients; and nothing of the inside in a reply."""

import threading

import pytest
from starlette.testclient import TestClient

from serving import lawn_png, open_client
from wordmask.doors.server import pages
from wordmask.doors.server.app import make_app
from wordmask.doors.server.options import ServeOptions
from wordmask.doors.server.questions import QUESTIONS
from wordmask.errors import OptionError

TOKEN = "correct horse"
BEARER = {"authorization": f"Bearer {TOKEN}"}
GET = ("/", "/docs", "/openapi.json", "/metrics", "/v1/models", "/v1/effects", "/v1/limits")
POST = ("/v1/pictures", *(route.path for route in QUESTIONS))


@pytest.fixture(scope="module")
def guarded():
    """A client of a server that other machines can reach."""
    with open_client(host="0.0.0.0", token=TOKEN, allow_host=("masks.example",)) as client:
        yield client


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.1", "", "a b"])
def test_a_foreign_host_is_refused(client, host):
    for path in ("/health", "/v1/models", "/nothing"):
        assert client.get(path, headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1", "[::1]:8000"])
def test_own_names_are_known(client, host):
    assert client.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "file://", "http://localhost:1"]
)
def test_a_page_of_another_host_is_refused(client, verb, origin):
    answer = client.request(verb, "/v1/segment", headers={"origin": origin})
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_servers_own_page_may_ask(client):
    assert client.get("/v1/models", headers={"origin": "http://localhost"}).status_code == 200
    foreign = {"sec-fetch-site": "cross-site"}
    assert client.get("/v1/models", headers=foreign).status_code == 403
    link = foreign | {"sec-fetch-mode": "navigate"}
    assert client.get("/", headers=link).status_code == 200


def test_a_server_that_others_reach_needs_a_token():
    with pytest.raises(OptionError, match="token"):
        make_app(ServeOptions(host="0.0.0.0"))


@pytest.mark.parametrize("sent", [None, "Bearer wrong", "Bearer", "Basic eDp5", "Bearer \xff"])
def test_every_route_but_health_asks_for_the_token(guarded, sent):
    headers = {} if sent is None else {"authorization": sent.encode("latin-1")}
    calls = [("GET", path) for path in GET] + [("POST", path) for path in POST]
    for verb, path in [*calls, ("PUT", "/v1/pictures"), ("GET", "/pages/docs.js")]:
        answer = guarded.request(verb, path, headers=headers)
        assert answer.status_code == 401, path
        assert TOKEN not in answer.text
    assert guarded.get("/health").status_code == guarded.get("/ready").status_code == 200


def test_the_token_opens_and_hosts_are_known(guarded):
    assert guarded.get("/v1/models", headers=BEARER).status_code == 200
    for host in ("masks.example", "192.168.1.7:8000"):
        assert guarded.get("/v1/models", headers={**BEARER, "host": host}).status_code == 200
    assert guarded.get("/v1/models", headers={**BEARER, "host": "x.example"}).status_code == 403


def test_figures_may_be_shown_to_all():
    with open_client(token=TOKEN, open_metrics=True) as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/v1/models").status_code == 401


def test_a_person_puts_the_token_into_a_page(guarded):
    shown = guarded.get("/", headers={"accept": "text/html"})
    assert shown.status_code == 401
    assert "<form" in shown.text
    wrong = guarded.post("/login", data={"token": "x"})
    assert wrong.status_code == 401
    with TestClient(guarded.app, base_url="http://localhost") as browser:
        came = browser.post("/login", data={"token": TOKEN}, follow_redirects=False)
        assert came.status_code == 303
        cookie = came.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert browser.get("/", headers={"accept": "text/html"}).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["..%2fapp.py", "../app.py", "..\\app.py", "docs.js%00", "%2e%2e/app.py", "style.css/.."],
)
def test_no_path_leads_to_another_file(client, name):
    assert client.get(f"/pages/{name}").status_code in (404, 405)
    assert client.get(f"/page/{name}").status_code in (404, 405)
    assert pages.ASSETS.keys() == {"docs.js", "style.css"}


def test_a_greedy_client_is_slowed_down():
    with open_client(client_requests=1, workers=1) as client:
        id = client.put("/v1/pictures?encode=no", content=lawn_png()).json()["picture"]
        lane = client.app.state.service.lane
        started, go_on = threading.Event(), threading.Event()
        lane.submit(lambda: (started.set(), go_on.wait(20)), 0, 20)
        assert started.wait(10)
        query = {"picture": id, "points": [[45, 60]]}
        answers = []
        waiting = threading.Thread(
            target=lambda: answers.append(client.post("/v1/click", json=query))
        )
        waiting.start()
        while not lane.waiting:
            pass
        refused = client.post("/v1/click", json=query)
        go_on.set()
        waiting.join(20)
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert answers[0].status_code == 200


@pytest.mark.parametrize("route", [*POST, "/v1/models"])
def test_a_bug_tells_nothing_of_the_inside(client, lawn, route, monkeypatch):
    def fail(*arguments, **named):
        raise KeyError("/home/secret/weights.bin at 10.0.0.7 token=abc")

    service = client.app.state.service
    for place in ("view", "add", "find"):
        monkeypatch.setattr(service.store, place, fail)
    monkeypatch.setattr(service.shelf, "describe", fail)
    if route == "/v1/pictures":
        answer = client.put(route, content=lawn_png())
    elif route == "/v1/models":
        answer = client.get(route)
    else:
        query = next(one for one in QUESTIONS if one.path == route).example
        answer = client.post(route, json=query | {"picture": lawn})
    assert answer.status_code == 500
    for text in ("secret", "Traceback", "10.0.0.7", "abc", ".py", "KeyError"):
        assert text not in answer.text


def test_out_of_memory_is_said_and_forgotten(client, lawn, monkeypatch):
    class OutOfMemoryError(RuntimeError):
        pass

    def fail(*arguments):
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    query = {"picture": lawn, "points": [[45, 60]]}
    with monkeypatch.context() as patch:
        patch.setattr(client.app.state.service.store, "view", fail)
        for _ in range(20):
            answer = client.post("/v1/click", json=query)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
    assert client.post("/v1/click", json=query).status_code == 200
