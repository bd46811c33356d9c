"""CVAT's tracks and Label Studio's rectangles over time."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawing import draw_masks
from drawn_results import results
from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import FormatError
from wordmask.media import formats
from wordmask.media.formats import FormatOptions, Named
from wordmask.media.formats.whole_videos import objects_of


def one_frame(*rows, tracks=(), labels=None):
    """`one_frame("##../....", tracks=[7])`"""
    masks = draw_masks(*rows) if rows else Masks.empty((2, 4))
    labels = [0] * len(rows) if labels is None else labels
    return Result.of(masks, ('a "dog" & co',), label_ids=labels, track_ids=list(tracks))


@pytest.fixture
def video():
    """An object that goes after the first frame and is back in the fourth, and an unnamed one."""
    return [
        Named("v.mp4#0", one_frame("##../....", tracks=[7])),
        Named("v.mp4#1", one_frame()),
        Named("v.mp4#2", one_frame("...#/...#", tracks=[3], labels=[-1])),
        Named("v.mp4#3", one_frame("..##/....", "#.../....", tracks=[7, 3], labels=[0, -1])),
        Named("v.mp4#4", one_frame()),
    ]


def rows_of(named):
    found = named.result
    if not len(found):
        return []
    parts = zip(found.track_ids.tolist(), found.names, found.masks, strict=True)
    return sorted((track, name, mask.tolist()) for track, name, mask in parts)


@pytest.mark.parametrize("suffix", [".cvat.xml", ".lsvideo.json"])
def test_objects_come_go_and_come_back(tmp_path, video, suffix):
    formats.save_named(video, tmp_path / f"v{suffix}")
    again = formats.load_named(tmp_path / f"v{suffix}")
    assert [rows_of(one) for one in again] == [rows_of(one) for one in video]


@given(st.lists(results(most=2), min_size=1, max_size=3))
def test_cvat_keeps_every_pixel(tmp_path_factory, drawn):
    frames = [Named(str(k), one) for k, one in enumerate(drawn) if one.size == drawn[0].size]
    path = tmp_path_factory.mktemp("cvat") / "v.cvat.xml"
    formats.save_named(frames, path)
    again = formats.load(path)
    assert len(again) == len(frames)
    for one, read in zip(frames, again, strict=True):
        there = one.result.masks.areas > 0
        before = sorted(mask.tobytes() for mask in one.result.masks[there])
        assert sorted(mask.tobytes() for mask in read.masks) == before


def test_cvat_gets_keyframes_and_ends(tmp_path, video):
    formats.save_named(video, tmp_path / "v.cvat.xml")
    root = ElementTree.parse(tmp_path / "v.cvat.xml").getroot()
    assert root.findtext("meta/task/size") == "5"
    dog = next(one for one in root.findall("track") if one.get("label") == 'a "dog" & co')
    shapes = [(s.get("frame"), s.get("outside"), s.get("keyframe")) for s in dog]
    assert shapes == [("0", "0", "1"), ("1", "1", "1"), ("3", "0", "1"), ("4", "1", "1")]


THEIRS = """<?xml version="1.0"?><annotations><meta><job><size>6</size>
<original_size><width>4</width><height>2</height></original_size></job></meta>
<track id="0" label="dog">{}</track></annotations>"""
BOX = '<box frame="{}" outside="{}" keyframe="1" xtl="0" ytl="0" xbr="2" ybr="1"/>'


@pytest.mark.parametrize(
    ("shapes", "areas"),
    [
        (BOX.format(1, 0) + BOX.format(3, 1), [0, 2, 2, 0, 0, 0]),
        (BOX.format(5, 0), [0, 0, 0, 0, 0, 2]),
        ('<mask frame="2" rle="1,2,1" left="1" top="0" width="2" height="2"/>', [0, 0, 2, 0, 0, 0]),
        ('<points frame="0" points="1,1"/>', [0, 0, 0, 0, 0, 0]),
    ],
)
def test_tracks_that_others_drew(tmp_path, shapes, areas):
    (tmp_path / "a.cvat.xml").write_text(THEIRS.format(shapes))
    read = formats.load(tmp_path / "a.cvat.xml")
    assert [int(one.masks.areas.sum()) for one in read] == areas


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations>&b;</annotations>', "document type"),
        ("<annotations>", "is not XML"),
        ("<other/>", "is no file of CVAT"),
        ("<annotations/>", "does not tell the frames' size"),
        (THEIRS.format(BOX.format("99999999", 0)), "frames? 99,999,999"),
        (THEIRS.format(BOX.format("x", 0)), "must be a whole number, got 'x'"),
        (THEIRS.format('<polygon frame="0" points="1,nan;2,2;3,3"/>'), "finite number"),
        (THEIRS.format('<polygon frame="0" points="1,1"/>'), "at least 3 pairs"),
        (THEIRS.format('<mask frame="0" rle="9" left="0" top="0" width="2" height="2"/>'), "sum"),
    ],
)
def test_xml_that_is_wrong_is_a_sentence(tmp_path, text, message):
    (tmp_path / "a.cvat.xml").write_text(text)
    with pytest.raises(FormatError, match=message):
        formats.load(tmp_path / "a.cvat.xml")


def test_label_studio_counts_frames_from_1_and_in_percent(tmp_path, video):
    formats.save_named(video, tmp_path / "v.lsvideo.json")
    (task,) = json.loads((tmp_path / "v.lsvideo.json").read_text())
    assert task["data"]["video"] == "v.mp4"
    dog = task["predictions"][0]["result"][0]
    assert (dog["type"], dog["value"]["framesCount"]) == ("videorectangle", 5)
    first = dog["value"]["sequence"][0]
    assert [first[key] for key in ("frame", "enabled", "x", "y", "width", "height")] == [
        1, False, 0.0, 0.0, 50.0, 50.0,
    ]  # fmt: skip


def test_label_studio_moves_boxes_evenly_between_frames(tmp_path):
    box = {"rotation": 0, "y": 0, "width": 25, "height": 100}
    rows = [
        {"frame": 1, "x": 0, "enabled": True} | box,
        {"frame": 4, "x": 75, "enabled": False} | box,
    ]
    value = {"framesCount": 5, "sequence": rows, "labels": ["dog"]}
    shape = {"type": "videorectangle", "value": value}
    task = {"data": {"video": "a.mp4"}, "annotations": [{"result": [shape]}]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps([task]))
    with pytest.raises(FormatError, match=r"give options\.size"):
        formats.load(path)
    read = formats.load(path, options=FormatOptions(size=(2, 4)))
    columns = [np.flatnonzero(one.masks.union().any(0)).tolist() for one in read]
    assert columns == [[0], [1], [2], [3], []]


def test_regions_without_numbers_are_objects_of_one_frame():
    twice = Result.of(draw_masks("#../...", "..#/..."), ("dog",), track_ids=[-1, -1])
    found = objects_of([Named("a", twice), Named("b", twice)])
    assert [[one.frame for one in sightings] for sightings in found.values()] == [
        [0],
        [0],
        [1],
        [1],
    ]
