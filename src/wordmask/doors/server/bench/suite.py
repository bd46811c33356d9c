"""What a click, a crowd and too large a crowd cost, beside the server as tutorials write it.

Processor time is the server's own on all its threads, as the kernel counts it, and holds also on a
busy machine. Clock figures (percentiles, requests a second) hold for an idle one: the load is made
on the same cores.
"""

import asyncio
import json
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Annotated, Any

import cv2
import numpy as np
from annotated_types import Ge, Gt

from wordmask.core.masks import Masks
from wordmask.doors.server.bench import caller
from wordmask.doors.server.bench.caller import CallTally, http_request, percentile_ms
from wordmask.doors.server.bench.running import RunningServer, run_server
from wordmask.lab.bench.photographs import photograph
from wordmask.lab.bench.suite import Findings, FindingTable, Suite, SuiteKit, SuiteOptions
from wordmask.media.writing import encode_picture

SIZE_WH = (1280, 960)
TWELVE_MP = (3000, 4000)
JSON, PNG, LOGITS = "application/json", "image/png", "application/vnd.wordmask.logits"
ANSWERS = {"json": JSON, "png": PNG, "logits": LOGITS}
PLACES = 4096  # that are clicked on
SAMPLE_S = 1.0  # between two looks at memory in a soak
MANY = "100000"  # requests of one client: the load comes from one address
OURS = ("-m", "wordmask", "serve", "--port", "PORT", "--model", "mini", "--client-requests", MANY)
THEIRS = ("-m", "wordmask.doors.server.bench.tutorial", "PORT")


@dataclass(frozen=True)
class ServeSuiteOptions(SuiteOptions):
    """How long and how much."""

    clicks: Annotated[int, Ge(1)] = 100
    """Clicks whose processor time is measured, for each form of answer."""
    people: Annotated[int, Ge(1)] = 16
    """People who click, each with a mean second between an answer and the next click."""
    seconds: Annotated[float, Gt(0)] = 60.0
    """Seconds that they click."""
    overload_s: Annotated[float, Ge(0)] = 20.0
    """Seconds at each of 1, 2 and 10 times the capacity; 0: none."""
    soak_s: Annotated[float, Ge(0)] = 0.0
    """Seconds of a soak with 10 % rude clients; 0: none, 7200 is two hours."""
    rival: bool = True
    """Measure also the server as tutorials write it."""


@dataclass
class Notes:
    """What has been found so far."""

    metrics: dict[str, float | None] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    verdicts: list[str] = field(default_factory=list)

    def hold(self, name: str, value: float | None, most: float, unit: str) -> None:
        """A figure, against what is wanted of it."""
        self.metrics[name] = value
        if value is not None:
            verdict = "holds" if value <= most else "MISSED"
            self.verdicts.append(f"{name}: {value:.3g} {unit}, wanted at most {most:g}: {verdict}")


class ServeSuite(Suite[ServeSuiteOptions]):
    name = "serve"
    about = "what a click over HTTP costs, a crowd, an overload; beside a tutorial's server"
    options = ServeSuiteOptions
    loads = False

    def run(self, kit: SuiteKit[ServeSuiteOptions]) -> Findings:
        options, notes = kit.options, Notes()
        picture = make_picture()
        measure_codes(notes)
        with run_server(OURS, "/ready") as server:
            clicks = send_picture(server, picture)
            kit.say("cached clicks")
            measure_clicks(server, clicks, options.clicks, notes)
            kit.say(f"{options.people} people for {options.seconds:g} s")
            measure_people(server, clicks[JSON], options, notes)
            if options.overload_s:
                kit.say("overload")
                measure_overload(server, clicks[LOGITS], options.overload_s, notes)
            if options.soak_s:
                kit.say(f"soak for {options.soak_s:g} s")
                measure_soak(server, clicks[JSON], options.soak_s, notes)
        if options.rival:
            kit.say("the tutorial's server")
            measure_rival(picture, notes)
        tables = {name: FindingTable.of(rows) for name, rows in notes.tables.items()}
        return Findings(notes.metrics, tables, verdicts=notes.verdicts, seeds={"clicks": 0})


def make_picture() -> bytes:
    pixels = photograph("astronaut.png").pixels
    resized = cv2.resize(pixels, SIZE_WH, interpolation=cv2.INTER_CUBIC)
    return encode_picture(resized, ".jpg")


def send_picture(server: RunningServer, picture: bytes) -> dict[str, list[bytes]]:
    """Clicks on the picture, as whole requests, for each form of answer."""
    request = urllib.request.Request(f"{server.address}/v1/pictures", picture, method="PUT")
    with urllib.request.urlopen(request, timeout=60) as answer:
        id = json.load(answer)["picture"]
    rng = np.random.default_rng(0)
    # No two alike: the server answers the same question, asked twice at a time, once.
    places = rng.uniform((50, 50), (SIZE_WH[0] - 50, SIZE_WH[1] - 50), (PLACES, 2))
    bodies = [json.dumps({"picture": id, "points": [place]}).encode() for place in places.tolist()]
    return {
        form: [http_request("POST", "/v1/click", body, form) for body in bodies]
        for form in ANSWERS.values()
    }


# ---- the figures


def measure_codes(notes: Notes) -> None:
    """Processor time of the run-length codes of three masks at 12 MP."""
    masks = []
    for number in range(3):
        canvas = np.zeros(TWELVE_MP, np.uint8)
        cv2.circle(canvas, (1500 + 300 * number, 1500), 1200 - 150 * number, 1, -1)
        masks.append(canvas > 0)
    three, times = Masks.from_dense(np.stack(masks)), []
    for _ in range(5):
        start = time.process_time()
        three.to_rle()
        times.append(time.process_time() - start)
    notes.hold("rle_12mp_cpu_ms", min(times) * 1e3, 30, "ms")


def measure_clicks(
    server: RunningServer, clicks: dict[str, list[bytes]], count: int, notes: Notes
) -> None:
    rows = []
    for name, form in ANSWERS.items():
        texts = [clicks[form][k % len(clicks[form])] for k in range(count)]
        asyncio.run(caller.one_after_the_other(server.address, texts[:5]))
        before = server.cpu_s()
        tally = asyncio.run(caller.one_after_the_other(server.address, texts))
        cpu = (server.cpu_s() - before) / count * 1e3
        kilobytes = float(np.mean([call.bytes for call in tally.calls])) / 1e3
        rows.append({"answer": name, "cpu_ms": cpu, "kB": kilobytes, **summary(tally)})
        notes.metrics[f"click_{name}_cpu_ms"] = cpu
    notes.tables["a cached click at 1280 x 960"] = rows
    notes.hold("click_logits_cpu_ms", notes.metrics["click_logits_cpu_ms"], 8, "ms")
    notes.hold("click_json_cpu_ms", notes.metrics["click_json_cpu_ms"], 8, "ms")


def measure_people(
    server: RunningServer, texts: list[bytes], options: ServeSuiteOptions, notes: Notes
) -> None:
    tally = asyncio.run(caller.people(server.address, texts, options.people, options.seconds))
    notes.tables[f"{options.people} people"] = [summary(tally)]
    notes.hold("people_p99_ms", percentile_ms(tally.answered, 0.99), 150, "ms")
    failed = len(tally.calls) - len(tally.answered)
    notes.hold("people_errors", float(failed), 0, "errors")


def measure_overload(
    server: RunningServer, texts: list[bytes], seconds: float, notes: Notes
) -> None:
    """Capacity by a closed loop, then 1, 2 and 10 times of it, whatever is answered."""
    peak = asyncio.run(caller.closed_loop(server.address, texts, 4, min(10.0, seconds)))
    before, rows = server.memory_mb(), [{"load": "closed loop", **summary(peak)}]
    for times in (1, 2, 10):
        rate = times * peak.per_second
        tally = asyncio.run(caller.open_loop(server.address, texts, rate, seconds))
        rows.append({"load": f"{times} x", **summary(tally)})
    notes.tables["overload"] = rows
    notes.metrics["capacity_per_s"] = peak.per_second
    notes.metrics["overload_goodput"] = tally.per_second / peak.per_second
    kept = "holds" if tally.per_second >= 0.9 * peak.per_second else "MISSED"
    share = notes.metrics["overload_goodput"]
    notes.verdicts.append(f"overload_goodput: {share:.2f} of the peak, wanted 0.9: {kept}")
    notes.hold("refusal_p99_ms", percentile_ms(tally.refused, 0.99), 100, "ms")
    silent = sum(not call.retries for call in tally.refused)
    notes.hold("refusals_without_retry_after", float(silent), 0, "refusals")
    notes.hold("overload_errors", float(tally.errors), 0, "errors")
    notes.hold("overload_growth_mb", server.memory_mb() - before, 50, "MB")


def measure_soak(server: RunningServer, texts: list[bytes], seconds: float, notes: Notes) -> None:
    """Nine people who click and one who leaves in the middle of everything."""
    samples = asyncio.run(_soak(server, texts, seconds))
    times, memory, descriptors = np.array(samples).T
    settled = times > 0.2 * seconds  # caches fill at first
    slope = float(np.polyfit(times[settled] / 3600, memory[settled], 1)[0])
    notes.metrics["soak_mb_per_hour"] = slope
    notes.metrics["soak_descriptors_grown"] = float(descriptors[-1] - descriptors[0])
    notes.verdicts.append(f"soak: {slope:+.1f} MB an hour, {descriptors[-1]:.0f} descriptors")


async def _soak(
    server: RunningServer, texts: list[bytes], seconds: float
) -> list[tuple[float, float, int]]:
    start, samples = time.monotonic(), []

    def is_over() -> bool:
        return time.monotonic() - start > seconds

    async def watch() -> None:
        while not is_over():
            spent = time.monotonic() - start
            samples.append((spent, server.memory_mb(), server.descriptors()))
            await asyncio.sleep(min(SAMPLE_S, seconds / 20))

    await asyncio.gather(
        caller.people(server.address, texts, 9, seconds),
        caller.rude(server.address, texts[0], is_over),
        watch(),
    )
    return samples


def measure_rival(picture: bytes, notes: Notes) -> None:
    """The same clicks on the server that encodes again for each and answers with lists."""
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\n\r\n'
    body = form + picture + b"\r\n--b--\r\n"
    text = http_request("POST", "/predict?x=600&y=400", body).replace(
        b"application/json", b"multipart/form-data; boundary=b"
    )
    with run_server(THEIRS, "/docs") as server:
        asyncio.run(caller.one_after_the_other(server.address, [text]))
        before = server.cpu_s()
        tally = asyncio.run(caller.one_after_the_other(server.address, [text] * 10))
        cpu = (server.cpu_s() - before) / 10 * 1e3
    kilobytes = float(np.mean([call.bytes for call in tally.calls])) / 1e3
    row = {"answer": "nested lists", "cpu_ms": cpu, "kB": kilobytes, **summary(tally)}
    notes.tables["the tutorial's server"] = [row]
    notes.metrics["tutorial_click_cpu_ms"] = cpu
    ours = notes.metrics["click_json_cpu_ms"] or 1.0
    notes.verdicts.append(
        f"a click costs the tutorial's server {cpu / ours:.0f} times the processor time"
    )


def summary(tally: CallTally) -> dict[str, Any]:
    """A row of a table."""
    return {
        "answered": len(tally.answered),
        "refused": len(tally.refused),
        "errors": tally.errors,
        "per_s": tally.per_second,
        "p50_ms": percentile_ms(tally.answered, 0.5),
        "p99_ms": percentile_ms(tally.answered, 0.99),
        "refused_p99_ms": percentile_ms(tally.refused, 0.99),
    }
