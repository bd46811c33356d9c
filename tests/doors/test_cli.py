"""The command line, as a person runs it: each command once at least in a process of its own."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from commands import RUN, draw_disc, run_apart, run_here, run_inside


@pytest.fixture
def photo(tmp_path):
    return draw_disc(tmp_path / "photo.png")


@pytest.fixture
def folder(tmp_path):
    for index in range(4):
        draw_disc(tmp_path / "holiday" / f"{index}.png", (255, 0, 0) if index % 2 else (0, 0, 255))
    return tmp_path / "holiday"


def test_the_package_runs_as_a_module_like_the_command():
    both = [
        subprocess.run([*command, "sgment"], capture_output=True, text=True, check=False)
        for command in (RUN, [sys.executable, "-m", "wordmask"])
    ]
    assert [(done.returncode, done.stdout) for done in both] == [(2, ""), (2, "")]
    assert both[0].stderr == both[1].stderr
    assert "Did you mean 'segment'" in both[1].stderr


def test_help_names_every_command_and_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from wordmask.doors.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'cv2', 'onnxruntime', 'torch', 'transformers', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    for command in (
        "segment",
        "click",
        "everything",
        "convert",
        "draw",
        "models",
        "doctor",
        "lint-words",
    ):
        assert command in done.stdout


def test_segment_says_what_is_there_and_what_is_not(photo):
    done = run_apart("segment", photo, "red", "blue", "-m", "fake")
    assert done.returncode == 0, done.stderr
    assert "red " in done.stdout
    assert "not here: blue (below .01)" in done.stdout
    assert photo.with_name("photo.wordmask.json").is_file()
    assert photo.with_name("photo.overlay.png").is_file()


def test_json_on_stdout_is_clean_and_writes_no_files(folder):
    before = sorted(folder.iterdir())
    done = run_apart("segment", folder, "red", "-m", "fake", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [len(row["regions"]) for row in rows] == [0, 1, 0, 1]
    assert sorted(folder.iterdir()) == before


def read_screen(screen: int) -> str:
    """All that was written on a terminal until its last writer was gone; it comes in pieces."""
    parts = []
    with contextlib.suppress(OSError):  # Linux says so at the end
        while part := os.read(screen, 1 << 16):
            parts.append(part)
    os.close(screen)
    return b"".join(parts).decode()


def test_a_terminal_gets_a_bar_and_the_same_lines(folder):
    (folder / "bad.jpg").write_bytes(b"hello")
    screen, terminal = pty.openpty()
    command = [*RUN, "segment", str(folder), "red", "-m", "fake"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal) as running:
        os.close(terminal)
        shown = read_screen(screen)
        running.communicate(timeout=120)
    assert running.returncode == 5
    assert "1.png   red ." in shown
    assert "error: " in shown
    assert "bad.jpg" in shown
    assert "5 pictures: 4 done, 1 failed" in shown
    assert "━" in shown  # the bar
    assert "/s" in shown


def test_a_picture_from_standard_input(photo):
    done = run_apart("segment", "-", "red", "-m", "fake", "--json", stdin=photo.read_bytes())
    assert [region["label"] for region in json.loads(done.stdout)["regions"]] == ["red"]


@pytest.mark.parametrize(
    ("name", "start"), [("seen.png", b"\x89PNG"), ("seen.json", b"{"), ("SEEN.PNG", b"\x89PNG")]
)
def test_an_output_with_a_suffix_is_one_file(photo, tmp_path, name, start):
    assert run_here("segment", photo, "red", "-m", "fake", "-o", tmp_path / name) == 0
    assert (tmp_path / name).read_bytes().startswith(start)


def test_one_file_is_not_enough_for_a_folder(folder, tmp_path, capsys):
    assert run_here("segment", folder, "red", "-m", "fake", "-o", tmp_path / "all.png") == 2
    assert "all.png is one file, for 4 pictures" in capsys.readouterr().err
    assert not (tmp_path / "all.png").exists()


def test_many_files_then_words_as_a_shell_expands_them(folder):
    done = run_inside("segment", folder / "0.png", folder / "1.png", "red", "-m", "fake", "--json")
    assert len(done.stdout.splitlines()) == 2


def test_words_come_one_by_one_by_commas_or_in_a_file(photo, tmp_path):
    (tmp_path / "words.txt").write_text("red\n\nhot dog\n")
    for words in (("red", "hot dog"), ("red,hot dog",), (f"@{tmp_path / 'words.txt'}",)):
        for flags in ((), ("--vocabulary", "wall,sky")):
            done = run_inside("segment", photo, *words, "-m", "fake", "--json", *flags)
            assert json.loads(done.stdout)["vocabulary"] == ["red", "hot dog"]
    only = run_inside(
        "segment",
        photo,
        "--vocabulary",
        "red,blue,green",
        "--prompt",
        "blue,red",
        "-m",
        "fake",
        "--json",
    )
    assert json.loads(only.stdout)["vocabulary"] == ["blue", "red"]
    named = run_inside("click", photo, "-p", "60,60", "-w", "red,blue", "-m", "fake", "--json")
    assert json.loads(named.stdout)["vocabulary"] == ["red", "blue"]
    gone = run_inside("segment", photo, "@gone.txt", "-m", "fake")
    assert (gone.returncode, "words in gone.txt cannot be read" in gone.stderr) == (2, True)


def test_verbose_states_the_cost(photo):
    done = run_inside("segment", photo, "red", "-m", "fake", "-v", "--how", "guided")
    assert (
        "guided: 1 prompts (a blind 64 x 64 grid: 4096), 1 encoder passes, threshold 0.50 ("
        in done.stdout
    )


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (
            ("click", "-p", "60,60"),
            "click: 1 prompts (a blind 64 x 64 grid: 4096), 1 encoder passes; encode ",
        ),
        (("everything", "--points-per-side", "4", "--no-adaptive"), "everything: 12 prompts ("),
    ],
)
def test_verbose_states_the_cost_of_what_is_not_asked_by_words(photo, command, told):
    done = run_inside(command[0], photo, *command[1:], "-m", "fake", "-v")
    assert told in done.stdout


def test_verbose_beside_json_goes_to_the_other_stream(photo):
    done = run_inside("segment", photo, "red", "-m", "fake", "-v", "--json")
    assert [region["label"] for region in json.loads(done.stdout)["regions"]] == ["red"]
    assert "guided: 1 prompts" in done.stderr


def test_a_bad_file_is_named_and_passed_over(folder):
    (folder / "bad.jpg").write_bytes(b"hello")
    done = run_inside("segment", folder, "red", "-m", "fake", "-o", folder / "out")
    assert done.returncode == 5
    assert "bad.jpg" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(list((folder / "out").glob("*.json"))) == 4


def test_a_second_run_makes_nothing_again_and_other_options_make_all_again(folder, tmp_path):
    out = tmp_path / "out"
    first = run_inside("segment", folder, "red", "-m", "fake", "-o", out)
    assert "4 done" in first.stderr
    times = {path: path.stat().st_mtime_ns for path in out.glob("*.json")}
    again = run_inside("segment", folder, "red", "-m", "fake", "-o", out)
    assert "4 made before" in again.stderr
    assert times == {path: path.stat().st_mtime_ns for path in out.glob("*.json")}
    other = run_inside("segment", folder, "red", "-m", "fake", "-o", out, "--min-region-size", "5")
    assert "4 done" in other.stderr


def test_a_killed_batch_is_resumed_whole(tmp_path):
    pictures, out = tmp_path / "many", tmp_path / "out"
    for index in range(120):
        draw_disc(pictures / f"{index:03}.png")
    command = [*RUN, "segment", str(pictures), "red", "-m", "fake", "-o", str(out)]
    victim = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(out.glob("*.json"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    before = len(list(out.glob("*.json")))
    assert 5 <= before < 120
    done = run_inside("segment", pictures, "red", "-m", "fake", "-o", out)
    assert done.returncode == 0, done.stderr
    files = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
    assert files == sorted(
        f"{index:03}{suffix}"
        for index in range(120)
        for suffix in (".wordmask.json", ".overlay.png")
    )
    for path in out.glob("*.json"):
        assert [region["label"] for region in json.loads(path.read_text())["regions"]] == ["red"]


def test_click_names_what_it_cuts(photo):
    done = run_apart(
        "click", photo, "-p", "60,60", "-p", "5,5,0", "-w", "red", "-w", "blue", "-m", "fake"
    )
    assert done.returncode == 0, done.stderr
    assert "red ." in done.stdout


def test_everything_counts_regions(photo):
    done = run_apart("everything", photo, "-m", "fake", "--points-per-side", "8")
    assert "region" in done.stdout
    assert done.returncode == 0


def test_draw_and_convert_take_what_segment_wrote(photo, tmp_path):
    run_apart("segment", photo, "red", "-m", "fake", "-f", "json")
    saved = photo.with_suffix(".wordmask.json")
    drawn = run_apart("draw", saved, "-o", tmp_path / "drawn")
    assert drawn.stdout.strip() == str(tmp_path / "drawn" / "photo.drawn.overlay.png")
    done = run_apart("convert", saved, tmp_path / "all.coco.json")
    assert "1 picture, 1 regions" in done.stdout
    coco = json.loads((tmp_path / "all.coco.json").read_text())
    assert [category["name"] for category in coco["categories"]] == ["red"]


def test_draw_keeps_pictures_of_one_name_apart(photo, tmp_path):
    out = tmp_path / "out"
    run_inside("segment", photo, "red", "-m", "fake", "-f", "json", "-o", out)
    (out / "b").mkdir()
    saved = out / "photo.wordmask.json"
    (out / "b" / saved.name).write_bytes(saved.read_bytes())
    run_inside(
        "draw",
        saved,
        out / "b" / saved.name,
        "-i",
        photo.parent,
        "-o",
        tmp_path / "drawn",
    )
    assert sorted(p.name for p in (tmp_path / "drawn").iterdir()) == [
        ".wordmask.jsonl",
        "photo.drawn.overlay.png",
        "photo.wordmask.json.drawn.overlay.png",
    ]


def test_draw_and_convert_pass_a_bad_file_over_and_name_it(folder, tmp_path):
    out = tmp_path / "out"
    run_inside("segment", folder, "red", "-m", "fake", "-f", "json", "-o", out)
    (out / "bad.json").write_text("{")
    (tmp_path / "list.txt").write_text(
        f"{out / '1.wordmask.json'}\n# not this\n{out / 'bad.json'}\n{out / '3.wordmask.json'}\n"
    )
    for sources, count in ((out, 4), (out / "*.json", 4), (f"@{tmp_path / 'list.txt'}", 2)):
        drawn = run_inside(
            "draw", sources, "-i", folder, "-o", tmp_path / f"drawn-{len(str(sources))}"
        )
        assert drawn.returncode == 5
        assert len(drawn.stdout.splitlines()) == count
        assert "bad.json" in drawn.stderr
        assert f"{count + 1} files: {count} done, 1 failed" in drawn.stderr
        turned = run_inside("convert", sources, tmp_path / "all.coco.json")
        assert turned.returncode == 5
        assert turned.stdout.startswith(f"{count} pictures, 2 regions")
        assert len(json.loads((tmp_path / "all.coco.json").read_text())["images"]) == count


@pytest.mark.parametrize(
    ("kind", "code"), [("labels", 0), ("legend", 0), ("overlay", 2), ("cutout", 2)]
)
def test_only_what_shows_the_picture_needs_it(photo, tmp_path, kind, code):
    run_inside("segment", photo, "red", "-m", "fake", "-f", "json", "-o", tmp_path / "out")
    photo.unlink()
    assert run_inside("draw", tmp_path / "out", "--kind", kind).returncode == code


def test_models_lists_what_is_here():
    done = run_apart("models", "--json")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert "Segmenter" in rows["fake"]["protocols"]
    assert rows["sam2.1-large"]["extra"] == "hf"


def test_doctor_tells_the_core_from_the_extras():
    done = run_apart("doctor", "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 0
    assert all(row["works"] for row in rows if row["core"])
    assert {"extra hf", "extra video"} <= {row["what"] for row in rows}


@pytest.mark.parametrize(("words", "code"), [(("cat", "cats"), 1), (("cat", "wall"), 0)])
def test_lint_words_ends_with_one_where_it_warns(words, code):
    done = run_apart("lint-words", *words, "-m", "none")
    assert done.returncode == code
    assert ("collision" in done.stdout) == bool(code)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("segment", "{photo}"), 2, "the word list is empty"),
        (("segment", "{photo}", " , "), 2, "the word list is empty"),
        (("segment", "nowhere.png", "red"), 2, "nowhere.png"),
        (("segment", "{photo}", "red", "--min-confidence", "nan"), 2, "--min-confidence must"),
        (("segment", "{photo}", "red", "--how", "magic"), 2, "--how must be one of auto, unified"),
        (("segment", "{photo}", "red", "-m", "sam2.1-lrge"), 3, "Did you mean 'sam2.1-large'"),
        (("segment", "{photo}", "red", "-f", "cocoo"), 2, "coco"),
        (("segment", "{photo}", "red", "--max-pixels", "100"), 2, "max-pixels"),
        (("click", "{photo}", "-p", "nan,3"), 2, "finite"),
        (("click", "{photo}", "-p", "3"), 2, "--point takes 2 or 3 numbers"),
        (("click", "{photo}", "-b", "9,9,3,3"), 2, "x0 < x1"),
        (("click", "{photo}"), 2, "needs points or a box"),
        (("sgment",), 2, "Did you mean 'segment'"),
        (("segment", "--wrong-flag", "x"), 2, "there is no option --wrong-flag"),
        (("convert", "{photo}"), 2, "convert needs"),
    ],
)
def test_wrong_use_is_one_line_and_an_exit_code(photo, arguments, code, told):
    model = () if {"-m", "convert", "sgment", "--wrong-flag"} & set(arguments) else ("-m", "fake")
    done = run_inside(*(str(part).replace("{photo}", str(photo)) for part in arguments), *model)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert told in done.stderr


def test_an_output_folder_that_is_a_file_is_named(photo, tmp_path):
    (tmp_path / "taken").write_text("mine")
    done = run_inside("segment", photo, "red", "-m", "fake", "-o", tmp_path / "taken")
    assert (done.returncode, "Traceback" in done.stderr) == (4, False), done.stderr
    assert "taken is a file, so it cannot be the folder; give --output-dir" in done.stderr
    assert (tmp_path / "taken").read_text() == "mine"
