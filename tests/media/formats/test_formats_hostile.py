"""Files from strangers: every lie is our own error, said with its place, before it costs memory or
time.
"""

import base64
import json
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordmask.core.masks import Masks
from wordmask.core.result import Result
from wordmask.errors import FormatError, InputError, MaskError
from wordmask.media import formats
from wordmask.media.formats import FormatOptions, brush, labelstudio, outlines
from wordmask.media.formats.outlines import fill
from wordmask.media.formats.parsing import parse_json


def own(**changes):
    value = formats.to_json(
        Result.of(Masks.from_dense(np.ones((1, 3, 4), bool)), ("cat",), label_ids=[0])
    )
    value["regions"][0] |= changes.pop("region", {})
    return value | changes


def coco(**changes):
    value = {
        "images": [{"id": 1, "height": 3, "width": 4, "file_name": "a.jpg"}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {
                "id": 5,
                "image_id": 1,
                "category_id": 1,
                "segmentation": {"size": [3, 4], "counts": [0, 12]},
            }
        ],
    }
    value["annotations"][0] |= changes.pop("annotation", {})
    return value | changes


def labelme(**shape):
    shape = {"label": "cat", "points": [[0, 0], [2, 0], [2, 2]]} | shape
    return {"shapes": [shape], "imageHeight": 3, "imageWidth": 4}


def task(type_="brushlabels", **value):
    value = {"rle": brush.encode(np.ones((3, 4), bool)), "brushlabels": ["cat"]} | value
    item = {"id": "a", "type": type_, "value": value, "original_width": 4, "original_height": 3}
    return [{"data": {"image": "a.jpg"}, "predictions": [{"result": [item]}]}]


def read(value, tmp_path, name="a.json", **options):
    (tmp_path / name).write_text(value if isinstance(value, str) else json.dumps(value))
    return formats.load(tmp_path / name, options=FormatOptions(**options))


def test_the_pieces_below_are_sound_before_they_are_broken(tmp_path):
    for value in (own(), coco(), labelme(), task()):
        assert len(read(value, tmp_path)[0]) == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (own(wordmask=2), "newer wordmask"),
        (own(wordmask="1"), "wordmask must be int"),
        (own(size=[3]), r"a size is \[height, width\]"),
        (own(size=[3, True]), "width must be int, got True"),
        (own(size=[10**6, 10**6]), "the limit is 50 MP"),
        (own(size=[0, 4]), "is empty"),
        (own(size=[4, 3]), "the mask's size"),
        (own(vocabulary="cat"), "vocabulary must be list"),
        (own(vocabulary=[3]), "vocabulary must be str"),
        (own(regions={}), "regions must be list"),
        (own(regions=[3]), "region 0 must be an object"),
        (own(region={"label": 3}), "label must be NoneType or str"),
        (own(region={"score": 1.5}), r"region 0: score must lie in \[0, 1\], got 1.5"),
        (own(region={"score": 10**400}), "finite number"),
        (own(region={"track": 2**63}), "64 bits"),
        (own(region={"why": {"quality": "high"}}), "quality must be float or int"),
        (own(region={"why": {"prompt": 3}}), "prompt must be str"),
        (own(region={"mask": {"size": [3, 4], "counts": [0, 11]}}), "region 0: runs sum to 11"),
        (own(region={"mask": {"size": [3, 4], "counts": [0, 13]}}), "region 0: runs sum to 13"),
        (own(region={"mask": {"size": [3, 4], "counts": [20, -8]}}), "negative"),
        (own(region={"mask": {"size": [3, 4], "counts": "~~"}}), "characters outside"),
        (own(absent=[{"phrase": "dog"}]), "no 'best'"),
        (own(made_by=[1]), "made_by must be str"),
        (own(embeddings="int8"), "float16 or float32"),
        (own(embeddings="float32"), "no 'embedding'"),
        (own(embeddings="float32", region={"embedding": "@"}), "broken embedding"),
        (
            own(embeddings="float32", region={"embedding": base64.b64encode(b"abc").decode()}),
            "broken embedding",
        ),
    ],
)
def test_own_json_that_lies(value, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read(value, tmp_path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (coco(images=[{"id": 1, "height": 3}]), "image 1 has no 'width'"),
        (coco(annotation={"image_id": 2}), "annotation 5 is of image 2"),
        (coco(annotation={"category_id": 2}), "annotation 5 has category 2"),
        (coco(annotation={"segmentation": None}), "segmentation must be dict or list"),
        (coco(annotation={"segmentation": [[0, 0, 1]]}), "at least 3 pairs"),
        (coco(annotation={"segmentation": [[0, 0, 1, 1, 2, "x"]]}), "list of numbers"),
        (coco(annotation={"segmentation": [[0, 0, 1, 1, 2, [3]]]}), "list of numbers"),
        (
            coco(annotation={"segmentation": [["0", "0", "1", "1", "2", "2"]]}),
            "flat list of numbers",
        ),
        (coco(annotation={"segmentation": [[0, 0, 1, 1, 2, 10**400]]}), "list of numbers"),
        (
            coco(
                annotation={
                    "segmentation": {"size": [200_000, 200_000], "counts": [40_000_000_000]}
                }
            ),
            "the picture of",
        ),
        (coco(annotation={"segmentation": {"size": [4, 3], "counts": [0, 12]}}), "the picture of"),
        (coco(annotations=[7]), "annotation -1 must be an object"),
    ],
)
def test_coco_that_lies(value, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read(value, tmp_path)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (labelme(points=[[0, 0], [1, 1]]), "at least 3 corners"),
        (labelme(points=[[0, 0], [1]]), "pairs"),
        (labelme(points=[[0, 0], [1, None], [2, 2]]), "points must be float or int"),
        (labelme(shape_type="circle"), "a circle has 2 points, got 3"),
        (labelme(shape_type="mask", mask="AAAA"), "broken mask"),
        (labelme(shape_type="mask", mask="@"), "broken mask"),
        (task(rle=[0, 1, 2]), "cut off after 3 bytes"),
        (task(rle=[300]), "0 to 255"),
        (task(rle=["a"]), "0 to 255"),
        (
            task(rle=brush.encode(np.ones((4, 4), bool))),
            "holds 64 values, a picture of 3 x 4 has 48",
        ),
        (task(rle=brush.encode(np.ones((3, 4), bool))[:7]), "cut off"),
        (task("polygonlabels", polygonlabels=["cat"], points=[[0, 0], [1, 1]]), "3 pairs"),
        (task("polygonlabels", polygonlabels=["cat"]), "no 'points'"),
    ],
)
def test_labelling_tools_that_lie(value, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read(value, tmp_path)


def test_a_labelme_mask_larger_than_its_picture_is_refused(tmp_path):
    from wordmask.media.formats.labelme import _png

    with pytest.raises(FormatError, match="larger than the picture"):
        read(labelme(shape_type="mask", mask=_png(np.ones((9, 9), bool))), tmp_path)


def test_a_run_over_the_end_of_a_brush_code_is_refused():
    bits = (
        f"{8:032b}" + "00111" + "0010" + "0011" + "0111" + "1111" + "1" + "01" + "1111" + "11111111"
    )
    code = [int(bits[start : start + 8].ljust(8, "0"), 2) for start in range(0, len(bits), 8)]
    with pytest.raises(MaskError, match="ends at 16"):
        brush.decode(code, (1, 2))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("cat 0 0 1 0 1 1", "not a class and numbers"),
        ("0 0.5 0.5 0.1 0.1", "a box, not an outline"),
        ("2 0 0 1 0 1 1", "class 2, but there are 1 words"),
        ("-1 0 0 1 0 1 1", "class -1"),
        ("0 0 0", "at least 3 pairs"),
        ("0 0 0 1 0 nan 1", "finite"),
    ],
)
def test_yolo_that_lies(line, message, tmp_path):
    with pytest.raises(FormatError, match=message):
        read(line, tmp_path, "a.txt", size=(3, 4), names=("cat",))


def test_yolo_says_what_it_lacks(tmp_path):
    with pytest.raises(FormatError, match="does not tell its picture's size"):
        read("0 0 0 1 0 1 1", tmp_path, "a.txt")
    with pytest.raises(FormatError, match="numbers only"):
        read("0 0 0 1 0 1 1", tmp_path, "a.txt", size=(3, 4))
    (tmp_path / "a.png").write_text("not a picture")
    with pytest.raises(FormatError, match="tells no size"):
        read("0 0 0 1 0 1 1", tmp_path, "a.txt")


def test_id_pictures_that_lie(tmp_path):
    from PIL import Image as Pil

    path = tmp_path / "a.masks.png"
    formats.save(formats.from_json(own()), path)
    Pil.fromarray(np.full((3, 4), 2, np.uint16)).save(path)
    with pytest.raises(FormatError, match=r"has id 2, a.masks.json lists 1"):
        formats.load(path)
    Pil.new("RGBA", (4, 3)).save(path)
    with pytest.raises(FormatError, match="is RGBA"):
        formats.load(path)
    path.write_bytes(b"\x89PNG no")
    with pytest.raises(FormatError, match="cannot be read"):
        formats.load(path)
    Pil.new("L", (9_000, 9_000)).save(path)
    with pytest.raises(InputError, match="the limit is 50 MP"):
        formats.load(path)
    with pytest.raises(FormatError, match="there is no file"):
        formats.load(tmp_path / "b.masks.png")


def test_voc_pictures_that_lie(tmp_path):
    from PIL import Image as Pil

    formats.save(formats.from_json(own()), tmp_path / "a.voc.png")
    Pil.fromarray(np.full((3, 4), 9, np.uint8)).save(tmp_path / "SegmentationClass" / "a.png")
    with pytest.raises(FormatError, match="class 9, but there are 1"):
        formats.load(tmp_path / "a.voc.png")
    Pil.fromarray(np.zeros((3, 5), np.uint8)).save(tmp_path / "SegmentationClass" / "a.png")
    with pytest.raises(FormatError, match=r"\(3, 5\) and \(3, 4\)"):
        formats.load(tmp_path / "a.voc.png")
    with pytest.raises(FormatError, match="cannot be read"):
        formats.load(tmp_path / "b.voc.png")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 200_000 + "]" * 200_000, "nested 200000 deep"),
        ('{"a":' * 40 + "1" + "}" * 40, "nested 40 deep"),
        ("", "is not JSON"),
        ('{"a": "b', "is not JSON"),
        ("[1" + "0" * 5000 + "]", "is not JSON"),
    ],
)
def test_json_is_checked_before_it_is_built(text, message):
    with pytest.raises(FormatError, match=message):
        parse_json(text.encode(), "it", FormatOptions())


def test_brackets_in_strings_do_not_count():
    text = json.dumps({"a": "[" * 99 + '\\"' + "{" * 99})
    assert parse_json(text.encode(), "it", FormatOptions()) == json.loads(text)


def test_files_over_the_limit_are_not_read(tmp_path):
    with pytest.raises(FormatError, match="raise max_bytes"):
        read(own(), tmp_path, max_bytes=50)
    with pytest.raises(FormatError, match="the limit is 5"):
        parse_json(b"[1, 2, 3]", "it", FormatOptions(max_bytes=5))
    with pytest.raises(FormatError, match="cannot be read"):
        formats.load(tmp_path / "missing.json")


def test_two_mebibytes_of_empty_lists_cost_under_100_mb():
    data = b"[" + b"[]," * 700_000 + b"[]]"
    tracemalloc.start()
    parse_json(data, "it", FormatOptions())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


def test_many_full_masks_in_few_bytes_are_stopped(tmp_path):
    region = own()["regions"][0]
    with pytest.raises(FormatError, match="raise max_mask_bytes"):
        read(own(regions=[region] * 100), tmp_path, max_mask_bytes=500)


def test_polygons_without_end_are_stopped(monkeypatch):
    monkeypatch.setattr(outlines, "MAX_CROSSINGS", 1000)
    zigzag = np.stack([np.arange(400) % 2, np.arange(400) % 2 * 90], 1).astype(float)
    with pytest.raises(FormatError, match="no outline"):
        fill([zigzag], (100, 100))


def test_batches_of_crossings_change_nothing(monkeypatch):
    corners = np.random.default_rng(0).uniform(-5, 45, (60, 2))
    wanted = fill([corners], (40, 40)).one(0)
    monkeypatch.setattr(outlines, "BATCH", 7)
    assert (fill([corners], (40, 40)).one(0) == wanted).all()


def test_polygons_far_outside_are_cut_at_the_picture():
    far = np.array([[-1e15, -1e15], [1e15, -1e15], [1e15, 1e15], [-1e15, 1e15]])
    assert fill([far], (3, 4)).areas.tolist() == [12]
    assert fill([far[[0, 1, 1, 0]] - 5], (3, 4)).areas.tolist() == [0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.sampled_from(["own", "coco", "labelme", "task"]), st.integers(0, 2**32 - 1), JSON)
def test_any_value_in_any_place_is_read_or_refused(which, seed, value):
    """One place of a sound file is replaced by anything: no other error than ours."""
    sound = {"own": own, "coco": coco, "labelme": labelme, "task": task}[which]()
    generator = np.random.default_rng(seed)
    at = sound
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = keys[int(generator.integers(len(keys)))]
        if not isinstance(at[key], dict | list) or not at[key] or generator.random() < 0.3:
            break
        at = at[key]
    at[key] = value
    reader = {
        "own": formats.own.decode,
        "coco": formats.table.coco.decode,
        "labelme": formats.table.labelme.decode,
    }
    with suppress(InputError):  # anything else that is raised fails the test
        read_ = reader.get(which, labelstudio.decode)(sound, "it", FormatOptions())
        assert read_
