"""The page and mini in one file, opened from disk in a real browser without a network."""

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from browser import Person
from commands import RUN
from wordmask import engines, files, segment
from wordmask.core.masks import Masks
from wordmask.core.prompts import Boxes, Points, Text
from wordmask.core.result import Result
from wordmask.doors.cli import npm, onefile
from wordmask.media.reading.read import read
from wordmask.tasks.click import Click, ClickOptions, click_view
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.finding.view import View

ENOUGH = 0.99  # IoU with Python's mask
WORDS = ("cat", "wall", "small furry pet", "unicorn")  # two of them are in no table
NAMES = ("cat", "wall")
ASK = """async ([path, query]) => {
    const { ask } = await import("page/api.js"), { board } = await import("page/board.js");
    return (await ask(board.picture, path, query)).json();
}"""


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """The file, written by the real command."""
    path = tmp_path_factory.mktemp("one") / "page.html"
    cached = files.cache_home() / "npm" / npm.read_pin().file
    if shutil.which("npm") is None and not cached.exists():
        pytest.skip("LEFT OUT: mini in the browser (npm is not here to bring onnxruntime-web)")
    command = [*RUN, "page", "--one-file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if "npm could not bring" in done.stderr or "npm did not bring" in done.stderr:
        pytest.skip(f"LEFT OUT: mini in the browser ({done.stderr.strip()})")
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def cat(tmp_path):
    path = tmp_path / "cat.png"
    cv2.imwrite(str(path), skimage.data.chelsea()[..., ::-1])
    return path


def masks_of(regions: list[dict], size: tuple[int, int]) -> Masks:
    return Masks.from_rle([region["mask"] for region in regions], size)


def segment_twice(person: Person, path: Path, words: tuple[str, ...]) -> Result:
    """By Python, after the page was seen to say the same."""
    person.open(path)
    here = person.page.evaluate(ASK, ["v1/segment", {"words": words}])
    there = segment(str(path), list(words))
    assert [region["label"] for region in here["regions"]] == list(there.names)
    ious = masks_of(here["regions"], there.size).iou(there.masks).diagonal()
    assert ious.min() > ENOUGH
    scores = [region["score"] for region in here["regions"]]
    assert scores == pytest.approx(there.scores.tolist(), abs=0.02)
    assert {word["phrase"] for word in here["absent"]} == {word.phrase for word in there.absent}
    return there


def test_words_that_classes_judge_have_the_masks_of_python(context, html, tmp_path):
    path = tmp_path / "rocket.png"
    cv2.imwrite(str(path), skimage.data.rocket()[..., ::-1])
    there = segment_twice(Person(context.new_page(), html.as_uri()), path, ("rocket", "sky"))
    assert set(there.names) == {"rocket", "sky"}


def test_its_masks_are_those_of_python(context, html, cat):
    context.set_offline(True)
    person = Person(context.new_page(), html.as_uri())
    there = segment_twice(person, cat, WORDS)

    view = View(read(cat), engines.load("mini"), Trace())
    for query in ({"points": [[220, 130, 1]]}, {"box": [120, 20, 420, 260]}):
        cut = person.page.evaluate(ASK, ["v1/click", query | {"words": NAMES}])
        best = cut["regions"][0]
        own, _ = click_view(view, shown(**query), Text(NAMES), ClickOptions())
        assert best["label"] == own.names[0]
        assert masks_of([best], there.size).iou(own.masks[:1])[0, 0] > ENOUGH

    person.say(", ".join(WORDS))
    assert sorted(person.things(len(there))) == sorted(there.names)
    told = person.page.locator(".panel").inner_text()
    assert told.endswith("need the server: pip install 'wordmask[serve]'.")
    assert "Questions, taking things out" in told
    assert not person.page.locator("#question").count()
    assert person.breaches() == []
    assert person.faults == []


def test_a_graphics_card_that_fails_is_left_alone(context, html, cat, tmp_path):
    text = html.read_text("utf-8")
    for old, new in (
        ("usesGpu = Boolean(", "usesGpu = mayUseGpu && Boolean(1 || "),
        ("async run(name, feed) {", "async run(name, feed) { if (BROKEN()) throw Error('lost');"),
        ("const KINDS = {", "const BROKEN = () => usesGpu; const KINDS = {"),
        ("let mayUseGpu = false, usesGpu = false;", "let mayUseGpu = false;"),
    ):
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "broken.html"
    path.write_text(text.replace('id="engine">', 'id="engine">let usesGpu = false;'), "utf-8")
    person = Person(context.new_page(), path.as_uri())
    person.open(cat)
    cut = person.page.evaluate(ASK, ["v1/click", {"points": [[220, 130, 1]]}])
    assert cut["regions"][0]["area"] > 50_000
    assert len(person.page.workers) == 1


def shown(points: list | None = None, box: list | None = None) -> Click:
    if box is not None:
        return Click(None, Boxes(np.array([box], np.float32)))
    return Click(Points.of(points))


def test_the_worker_is_one_text_without_imports():
    text = onefile.bundle("local/worker.js")
    lines = text.splitlines()
    assert not [line for line in lines if line.startswith(("import ", "export "))]
    assert "const _masks_js = (() => {" in lines


def test_a_package_that_is_not_the_pinned_one_is_refused(tmp_path):
    package = tmp_path / "other.tgz"
    package.write_bytes(b"no package")
    command = [*RUN, "page", "--one-file", str(tmp_path / "a.html"), "--runtime", str(package)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "its hash is sha512-" in done.stderr
    assert not (tmp_path / "a.html").exists()


def test_without_npm_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    command = [*RUN, "page", "--one-file", str(tmp_path / "a.html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "npm is not on this machine" in done.stderr
    assert f"--runtime {npm.read_pin().file}" in done.stderr


def test_a_table_of_words_is_written_for_javascript():
    parts = onefile.read_words(onefile.FILES)
    about = json.loads(parts["words.json"])
    rows = np.frombuffer(parts["words.bin"], np.int8).reshape(len(about["names"]), -1)
    assert rows.shape[1] == 256
    assert about["learned"] <= len(about["names"])
    assert Path(onefile.FILES).name == "files"
