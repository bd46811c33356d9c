"""The suite `serve`, on the weightless engine and made short: its load arrives, it has figures."""

import asyncio

import pytest
from starlette.testclient import TestClient

from serving import lawn_png, run_server
from wordmask.doors.server.bench import caller, suite
from wordmask.doors.server.bench.caller import Call, CallTally, http_request, percentile_ms
from wordmask.doors.server.bench.running import RunningServer
from wordmask.doors.server.bench.suite import Notes, ServeSuiteOptions
from wordmask.doors.server.bench.tutorial import make_tutorial

pytest.importorskip("skimage", reason="the suite's photograph comes with the extra `dev`")
HEALTH = [http_request("GET", "/health", b"")]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    log = tmp_path_factory.mktemp("bench") / "log"
    with run_server("--client-requests", "1000", log=log) as (address, process):
        yield RunningServer(address, process.pid)


@pytest.fixture(scope="module")
def address(server):
    return server.address


def test_every_kind_of_load_is_answered(address):
    loops = (
        caller.one_after_the_other(address, HEALTH * 3),
        caller.people(address, HEALTH, 3, 0.3),
        caller.closed_loop(address, HEALTH, 2, 0.2),
        caller.open_loop(address, HEALTH, 50, 0.3),
    )
    for loop in loops:
        tally = asyncio.run(loop)
        assert tally.calls
        assert tally.errors == 0
        assert len(tally.answered) == len(tally.calls)
        assert tally.per_second > 0


def test_rude_clients_and_servers_that_are_not_there(address):
    turns = iter(range(4))
    left = asyncio.run(caller.rude(address, HEALTH[0], lambda: next(turns) >= 3))
    assert left == 3
    nobody = asyncio.run(caller.one_after_the_other("http://127.0.0.1:9", HEALTH))
    assert [call.status for call in nobody.calls] == [0]
    assert nobody.errors == 1


def test_calls_are_counted_by_what_came_of_them():
    calls = [Call(200, 0.1, 5, False), Call(503, 0.2, 5, True), Call(500, 0.3, 5, False)]
    tally = CallTally(calls, 2.0)
    assert (len(tally.answered), len(tally.refused), tally.errors) == (1, 1, 1)
    assert tally.per_second == 0.5
    assert percentile_ms(tally.answered, 0.5) == 100
    assert percentile_ms([], 0.5) is None


def test_every_figure_of_the_suite_is_measured(server):
    options, notes = ServeSuiteOptions(people=2, seconds=0.5), Notes()
    clicks = suite.send_picture(server, suite.make_picture())
    suite.measure_codes(notes)
    suite.measure_clicks(server, clicks, 2, notes)
    suite.measure_people(server, clicks[suite.JSON], options, notes)
    suite.measure_overload(server, clicks[suite.LOGITS], 0.2, notes)
    suite.measure_soak(server, clicks[suite.JSON], 0.4, notes)
    for name in ("click_json_cpu_ms", "rle_12mp_cpu_ms", "people_p99_ms", "capacity_per_s"):
        assert notes.metrics[name] >= 0
    assert notes.metrics["people_errors"] == 0
    assert {"overload_goodput", "soak_mb_per_hour"} <= notes.metrics.keys()
    assert any("wanted" in verdict for verdict in notes.verdicts)
    assert server.cpu_s() > 0
    assert server.memory_mb() > 10


def test_the_rival_answers_with_nested_lists():
    with TestClient(make_tutorial()) as client:
        files = {"file": ("x.png", lawn_png())}
        answer = client.post("/predict", params={"x": 45, "y": 60}, files=files).json()
    assert len(answer["masks"]) == len(answer["scores"]) >= 1
    assert len(answer["masks"][0]) == 120
