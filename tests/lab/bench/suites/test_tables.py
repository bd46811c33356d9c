from dataclasses import replace

from lab_sets import write_squares
from wordmask.lab.bench.benches import BENCHES
from wordmask.lab.bench.run_suite import run_suite
from wordmask.lab.bench.suites import tables
from wordmask.lab.bench.suites.tables import (
    BY_THEMSELVES,
    LINES,
    ROOMS,
    Line,
    TablesOptions,
    TablesSuite,
)


def test_the_table_has_every_bench():
    assert {*(line.bench for line in LINES), *BY_THEMSELVES} == set(BENCHES)


def test_the_lines_and_the_rooms_as_a_sheet(kit, drawn_folder, monkeypatch, tmp_path):
    """On drawn sets: benches of pictures and frames, and the study of single words."""
    rooms = replace(ROOMS, words=("red disc", "blue square"))
    lines = (
        Line("clicks", "drawn", ("miou_1_click",)),
        Line("video", "frames", ("jf",)),
        Line("retrieval", "drawn", ("miou_auto",), rooms),
    )
    monkeypatch.setattr(tables, "LINES", lines)
    monkeypatch.setattr(tables, "ROOMS", rooms)
    packs = tmp_path / "packs"
    write_squares(packs / "frames", "run/")
    (packs / "drawn").symlink_to(drawn_folder)
    options = TablesOptions(data=packs, model="fake", pictures=2)
    results = run_suite(TablesSuite(), kit(options))
    rows = results["tables"]["benches"]["rows"]
    assert [row[0] for row in rows] == ["clicks", "video", "retrieval"]
    assert rows[1][4:6] == ["jf", 1.0]
    assert results["metrics"]["retrieval.drawn.auto.miou_auto"] == 1
    assert [row[0] for row in results["tables"]["rooms"]["rows"]] == ["red disc", "blue square"]
    assert (tmp_path / "out" / results["pictures"][0]).is_file()
