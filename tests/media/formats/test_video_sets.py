"""YouTube-VIS, MOTS, CVAT and Label Studio's video: whole videos in one file."""

import json
import warnings

import pytest
from pycocotools import mask as coco_mask

from drawing import draw_masks
from wordmask.core.result import Result
from wordmask.errors import WordmaskError
from wordmask.media import formats
from wordmask.media.formats import FormatOptions, Named


def result(masks, labels, tracks, scores):
    return Result.of(
        draw_masks(*masks), ("dog", "cat"), label_ids=labels, track_ids=tracks, scores=scores
    )


@pytest.fixture
def video():
    """A dog in all frames, a cat in the second, something unnamed in the third."""
    return [
        Named("v/0.jpg", result(["##../##.."], [0], [7], [0.5])),
        Named("v/1.jpg", result([".##./.##.", "...#/...#"], [0, 1], [7, 2], [0.75, 0.25])),
        Named("v/2.jpg", result(["..##/..##", "#.../...."], [0, -1], [7, 3], [1.0, 0.5])),
    ]


def rows(named):
    found = named.result
    parts = zip(found.names, found.track_ids.tolist(), found.masks, strict=True)
    return sorted((track, name, mask.tolist()) for name, track, mask in parts)


@pytest.mark.parametrize("suffix", [".ytvis.json", ".mots.txt", ".cvat.xml"])
def test_objects_come_back(tmp_path, video, suffix):
    path = tmp_path / f"v{suffix}"
    assert formats.save_named(video, path) == [path]
    again = formats.load_named(path, options=FormatOptions(names=("dog", "cat")))
    assert [rows(one) for one in again] == [rows(one) for one in video]


def test_youtube_vis_keeps_names_scores_and_frames(tmp_path, video):
    formats.save_named(video, tmp_path / "v.ytvis.json")
    value = json.loads((tmp_path / "v.ytvis.json").read_text())
    assert value["videos"][0]["file_names"] == ["v/0.jpg", "v/1.jpg", "v/2.jpg"]
    dog = next(one for one in value["annotations"] if one["track_id"] == 7)
    assert (dog["score"], dog["areas"]) == (0.75, [4, 4, 4])
    cat = next(one for one in value["annotations"] if one["track_id"] == 2)
    assert [code is None for code in cat["segmentations"]] == [True, False, True]
    again = formats.load_named(tmp_path / "v.ytvis.json")
    assert [one.name for one in again] == [one.name for one in video]
    assert again[1].result.scores.tolist() == [0.75, 0.25]


def test_mots_lines_are_what_its_tools_read(tmp_path, video):
    formats.save_named(video, tmp_path / "v.mots.txt")
    lines = [line.split(" ") for line in (tmp_path / "v.mots.txt").read_text().splitlines()]
    assert [line[:5] for line in lines][:3] == [
        ["0", "1007", "1", "2", "4"],
        ["1", "1007", "1", "2", "4"],
        ["1", "2002", "2", "2", "4"],
    ]
    code = {"size": [2, 4], "counts": lines[1][5].encode()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of numpy, in pycocotools
        mask = coco_mask.decode(code)
    assert mask.tolist() == [[0, 1, 1, 0], [0, 1, 1, 0]]


def test_frames_have_one_size(tmp_path, video):
    other = Named("b", Result.nothing((9, 9)))
    with pytest.raises(WordmaskError, match="frames of one video have one size"):
        formats.save_named([*video, other], tmp_path / "v.ytvis.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"video_id": 9}, "of video 9"),
        ({"category_id": 9}, "category 9"),
        ({"segmentations": []}, "0 masks"),
        ({"scores": [1]}, "1 scores"),
        ({"scores": {"a": 1}}, "scores"),
        ({"segmentations": [3, None, None]}, "segmentation"),
        ({"video_id": [1]}, "video_id"),
    ],
)
def test_a_youtube_vis_that_lies_is_refused(tmp_path, video, change, message):
    path = tmp_path / "v.ytvis.json"
    formats.save_named(video, path)
    value = json.loads(path.read_text())
    value["annotations"][0] |= change
    path.write_text(json.dumps(value))
    with pytest.raises(WordmaskError, match=message):
        formats.load(path)


@pytest.mark.parametrize(
    "line", ["", "0 1001 1 2", "0 x 1 2 4 04", "0 1001 1 99999999 99999999 04", "0 1001 1 2 4 ~~~~"]
)
def test_a_mots_that_lies_is_refused(tmp_path, line):
    path = tmp_path / "v.mots.txt"
    path.write_text(line + "\n")
    with pytest.raises(WordmaskError):
        formats.load(path)
