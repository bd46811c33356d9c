"""No command ever replaces a file that it did not make: bytes stay, whatever lies where."""

from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from commands import draw_lawn, run_here
from wordmask.media.formats.table import FORMATS
from wordmask.media.ledger import LEDGER
from wordmask.tasks.effects.table import EFFECTS

WRITTEN = ",".join(one.name for one in FORMATS)
TARGET = ("--prompt", "red", "-m", "fake")
HERE = ("-o", "HERE")
# Each command with its arguments; HERE is the folder in which the picture lies.
COMMANDS = {
    "segment": ("segment", "HERE/photo.png", "red", "-m", "fake", "-f", WRITTEN),
    "click": ("click", "HERE/photo.png", "-p", "45,60", "-m", "fake", "-f", WRITTEN),
    "everything": ("everything", "HERE/photo.png", "-m", "fake", "--points-per-side", "4"),
    "edit segment": ("edit", "segment", "HERE/photo.png", *TARGET, *HERE),
    "edit remove": ("edit", "remove", "HERE/photo.png", *TARGET, "--fill", "telea", *HERE),
    "edit replace": ("edit", "replace", "HERE/photo.png", *TARGET, "--fill", "none", *HERE),
    "edit style": ("edit", "style", "HERE/photo.png", *TARGET, "--style", "sketch", *HERE),
    "edit replay": ("edit", "replay", "HERE/photo.removed.recipe.json", *HERE),
    "draw": ("draw", "HERE/photo.wordmask.json"),
    "draw labels": ("draw", "HERE/photo.wordmask.json", "--kind", "labels"),
    "convert": ("convert", "HERE/photo.wordmask.json", "HERE", "--to", "labelme"),
    "convert masks": ("convert", "HERE/photo.wordmask.json", "HERE/other.masks.png"),
} | {
    f"effect {name}": ("effect", name, "HERE/photo.png", *TARGET, *HERE)
    for name in EFFECTS
    if name != "overlay"
}
# What other tools keep beside pictures, and wordmask's own names before this version.
HABITS = (
    "photo.json", "photo.txt", "photo.xml", "photo.png.json", "photo.mask.png", "photo_mask.png",
    "photo.overlay.png", "photo.coco.json", "annotations.json", "classes.txt", "labels.txt",
)  # fmt: skip


def snapshot(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != LEDGER]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def run_in(folder: Path, name: str, *more: str) -> int:
    words = [word.replace("HERE", str(folder)) for word in (*COMMANDS[name], *more)]
    return run_here(*words)


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Path:
    """A picture with a saved result and a recipe, and no ledger that tells of them."""
    folder = tmp_path_factory.mktemp("start") / "start"
    draw_lawn(folder / "photo.png")
    assert run_here("segment", folder / "photo.png", "red", "-m", "fake", "-f", "json") == 0
    assert run_in(folder, "edit remove") == 0
    for path in folder.iterdir():
        if path.name not in ("photo.png", "photo.wordmask.json", "photo.removed.recipe.json"):
            path.unlink()
    return folder


@pytest.fixture(scope="module")
def outputs(start, tmp_path_factory) -> dict[str, list[str]]:
    """What each command writes where nothing is in its way."""
    found = {}
    for name in COMMANDS:
        folder = tmp_path_factory.mktemp("outputs") / "here"
        copytree(start, folder)
        before = snapshot(folder)
        if name in ("segment", "edit remove"):
            (folder / "photo.wordmask.json").unlink()
            (folder / "photo.removed.recipe.json").unlink()
            before = snapshot(folder)
        assert run_in(folder, name) == 0
        found[name] = sorted(set(snapshot(folder)) - set(before))
        assert found[name]
    return found


def folder_of(start: Path, name: str, place: Path) -> Path:
    copytree(start, place)
    if name in ("segment", "edit remove"):  # which write what the others read
        (place / "photo.wordmask.json").unlink()
        (place / "photo.removed.recipe.json").unlink()
    return place


def put(folder: Path, names) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(f"a person's {name}".encode())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_single_file_in_the_way_stays(start, outputs, name, tmp_path, capsys):
    for number, output in enumerate(outputs[name]):
        if output == "other.masks.png":  # typed by the user
            continue
        folder = folder_of(start, name, tmp_path / str(number))
        put(folder, [output])
        before = snapshot(folder)
        assert run_in(folder, name) in (2, 4)
        assert snapshot(folder) == before
        told = capsys.readouterr().err
        assert Path(output).name in told
        if Path(output).name not in ("classes.txt", "labels.txt"):
            assert "--overwrite" in told
            assert run_in(folder, name, "--overwrite") == 0
            assert snapshot(folder)[output] != before[output]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_replaces_its_own_files(start, outputs, name, tmp_path):
    folder = folder_of(start, name, tmp_path / "here")
    assert run_in(folder, name) == 0
    first = snapshot(folder)
    assert run_in(folder, name) == 0
    assert snapshot(folder) == first


@examples(40)
@given(st.data())
def test_whatever_lies_there_every_byte_stays(start, outputs, data):
    name = data.draw(st.sampled_from(sorted(COMMANDS)))
    names = data.draw(st.sets(st.sampled_from(sorted({*HABITS, *outputs[name]}))))
    names.discard("other.masks.png")
    with TemporaryDirectory() as place:
        folder = folder_of(start, name, Path(place) / "here")
        put(folder, names)
        before = snapshot(folder)
        code = run_in(folder, name)
        after = snapshot(folder)
    assert before.items() <= after.items()
    assert code == 0 or after == before


def test_commands_do_not_take_each_others_names(outputs):
    """What one made, the next one finds in its way only if a person put it there."""
    owners: dict[str, str] = {}
    for name, files in outputs.items():
        if not name.startswith("convert"):  # whose names are those that other programs look for
            for file in set(files) - {"classes.txt", "labels.txt"}:  # a folder's, not a picture's
                assert owners.setdefault(file, name) == name
