"""Round trips: what goes in comes out, in every format, as far as docs/formats.md says."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Absent, Result, Why
from wordmask.errors import FormatError, MissingExtraError, OptionError, OutputError
from wordmask.media import formats
from wordmask.media.formats import FormatOptions, Named, bridges, brush, ids

GOLDEN = Path(__file__).parents[2] / "golden"
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(
    lambda word: word.strip()
)


def draw(*rows: str) -> np.ndarray:
    return np.array([[letter == "#" for letter in row] for row in rows])


def result_of(
    *masks: np.ndarray, words=("cat", "hot dog"), labels=None, scores=None, **columns
) -> Result:
    labels = [index % len(words) for index in range(len(masks))] if labels is None else labels
    scores = [0.9 - 0.125 * index for index in range(len(masks))] if scores is None else scores
    return Result.of(
        Masks.from_dense(np.stack(masks)), words, scores=scores, label_ids=labels, **columns
    )


def example() -> Result:
    ring = draw("#####", "#...#", "#.#.#", "#...#", "#####")
    return result_of(
        ring, ~ring, draw("....#", ".....", ".....", ".....", "#...."), labels=[0, -1, 1]
    )


@st.composite
def results(draw_, *, overlapping=True, most=4):
    """Any masks on a small picture: holes, specks, full, empty, touching by a corner."""
    size = draw_(st.tuples(st.integers(1, 11), st.integers(1, 11)))
    count = draw_(st.integers(0, most))
    seed = draw_(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    if overlapping:
        masks = Masks.from_dense(
            generator.random((count, *size)) < generator.choice([0, 0.2, 0.6, 1], (count, 1, 1))
        )
    else:
        masks, _ = Masks.from_label_map(generator.integers(-1, count + 1, size))
    words = draw_(st.lists(WORDS, unique=True, max_size=3))
    tracks = (
        generator.integers(-1, 2**40, len(masks)) if len(masks) and draw_(st.booleans()) else None
    )
    if tracks is not None and (tracks < 0).all():
        tracks = None
    return Result.of(
        masks, words, scores=generator.random(len(masks), np.float32), track_ids=tracks,
        label_ids=generator.integers(-1, len(words), len(masks)),
    )  # fmt: skip


def there_and_back(result: Result, name: str, options: FormatOptions | None = None) -> Named:
    with TemporaryDirectory() as folder:
        formats.save(result, Path(folder) / name, options=options)
        (item,) = formats.load_named(Path(folder) / name, options=options)
        return item


def masks_of(result: Result) -> list[bytes]:
    return sorted(mask.tobytes() for mask in result.masks)


def assert_same(
    got: Result, wanted: Result, *, columns=("scores", "label_ids", "track_ids", "embeddings")
) -> None:
    assert got.size == wanted.size
    assert (got.masks.dense() == wanted.masks.dense()).all()
    for column in columns:
        mine, theirs = getattr(got, column), getattr(wanted, column)
        assert (mine is None) == (theirs is None), column
        assert theirs is None or np.array_equal(mine, theirs), column


# ---- lossless


@settings(max_examples=60)
@given(results(), st.sampled_from(["rle", "plain"]))
def test_own_json_keeps_everything(result, shapes):
    got = there_and_back(result, "a.json", FormatOptions(shapes=shapes)).result
    assert_same(got, result)
    assert (got.vocabulary, got.made_by, got.absent, got.why) == (result.vocabulary, (), (), None)


@settings(max_examples=60)
@given(results(), st.sampled_from(["rle", "plain", "polygon"]))
def test_coco_keeps_masks_words_scores_and_tracks(result, shapes):
    got = there_and_back(result, "a.coco.json", FormatOptions(shapes=shapes)).result
    assert_same(got, result)
    assert got.vocabulary == result.vocabulary


@settings(max_examples=40)
@given(results(), st.sampled_from(["rle", "polygon"]))
def test_label_studio_keeps_masks_words_and_scores(result, shapes):
    options = FormatOptions(shapes=shapes, names=result.vocabulary)
    filled = result[result.masks.areas > 0] if shapes == "polygon" else result
    assert_same(
        there_and_back(filled, "a.labelstudio.json", options).result,
        filled,
        columns=("scores", "label_ids"),
    )


@settings(max_examples=40)
@given(results(), st.sampled_from(["auto", "rle"]))
def test_labelme_keeps_masks_words_and_scores(result, shapes):
    filled = result[result.masks.areas > 0]
    options = FormatOptions(shapes=shapes, names=result.vocabulary)
    assert_same(
        there_and_back(filled, "a.labelme.json", options).result,
        filled,
        columns=("scores", "label_ids"),
    )


@settings(max_examples=40)
@given(results(overlapping=False))
def test_id_pictures_keep_everything_of_disjoint_regions(result):
    assert_same(there_and_back(result, "a.masks.png").result, result)


@settings(max_examples=40)
@given(results(overlapping=False))
def test_yolo_and_voc_keep_the_masks_and_the_words(result):
    named = result[result.label_ids >= 0]
    for name in ("a.txt", "a.voc.png"):
        got = there_and_back(
            named, name, FormatOptions(size=result.size, names=result.vocabulary)
        ).result
        pairs = [
            sorted(zip(one.names, (m.tobytes() for m in one.masks), strict=True))
            for one in (got, named)
        ]
        assert pairs[0] == pairs[1], name


def test_own_json_keeps_why_absent_embeddings_and_makers(tmp_path):
    why = (Why("dense", "dog", 0.25, 0.75, "mini"), Why(), Why("box 1,2,3,4"))
    vectors = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    result = example().replace(
        why=why,
        embeddings=vectors,
        made_by=("mini@sha256:1f3c",),
        absent=(Absent("kâkâ", 0.1234567891, 0.35),),
    )
    options = FormatOptions(embeddings="float32")
    got = there_and_back(result, "a.json", options).result
    assert_same(got, result)
    assert [str(row) for row in got.why] == [
        str(row) for row in result.why
    ]  # NaN is not equal to itself
    assert (got.absent, got.made_by) == (result.absent, result.made_by)
    half = there_and_back(result, "a.json", FormatOptions(embeddings="float16")).result
    assert np.abs(half.embeddings - result.embeddings).max() < 2e-3
    assert there_and_back(result, "a.json").result.embeddings is None


def test_own_json_is_what_the_docs_say():
    value = formats.to_json(
        result_of(draw("##.", "#.."), words=("car",), scores=[0.91]), "street.jpg"
    )
    assert value == {
        "wordmask": 1, "image": "street.jpg", "size": [2, 3], "vocabulary": ["car"],
        "regions": [{
            "label": "car", "score": 0.91, "box": [0, 0, 2, 2], "area": 3, "track": None, "why": None,
            "mask": {"size": [2, 3], "counts": "033"},
        }],
        "absent": [], "made_by": [],
    }  # fmt: skip
    assert len(formats.from_json(json.dumps(value))) == 1
    assert len(formats.from_json(json.dumps(value).encode())) == 1
    assert len(formats.from_json(value)) == 1


def test_words_the_vocabulary_lacks_join_it():
    value = formats.to_json(example())
    value["regions"][0]["label"] = "bird"
    assert formats.from_json(value).vocabulary == ("cat", "hot dog", "bird")


def test_seventy_thousand_ids_fit_into_one_picture(tmp_path):
    result = Result.of(Masks.from_label_map(np.arange(70_000).reshape(250, 280))[0])
    written = formats.save(result, tmp_path / "many.masks.png")
    assert [path.name for path in written] == ["many.masks.png", "many.masks.json"]
    (got,) = formats.load(tmp_path / "many.masks.png")
    assert (got.masks.corners == result.masks.corners).all()
    assert (got.masks.areas == 1).all()


def test_ids_without_their_json_are_unnamed_regions(tmp_path):
    formats.save(example(), tmp_path / "a.masks.png")
    (tmp_path / "a.masks.json").unlink()
    (item,) = formats.load_named(tmp_path / "a.masks.png")
    assert item.name == "a"
    assert set(item.result.names) == {""}


def test_hidden_regions_of_an_id_picture_come_back_empty():
    full = np.ones((2, 2), bool)
    got = there_and_back(result_of(full, full), "a.masks.png").result
    assert got.masks.areas.tolist() == [4, 0]
    assert got.names == ("cat", "hot dog")


# ---- polygons


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.25, 2))
def test_simplified_polygons_stay_within_their_tolerance(seed, tolerance):
    """Every pixel that changes lies within `tolerance` + half a diagonal of the old outline."""
    generator = np.random.default_rng(seed)
    coarse = Masks.from_dense(generator.random((6, 6)) < 0.5).resize((36, 36))
    mask = coarse.one(0)
    if not mask.any():
        return
    options = FormatOptions(shapes="polygon", tolerance=tolerance)
    got = there_and_back(
        Result.of(coarse, ("a",), label_ids=[0]), "a.coco.json", options
    ).result.masks.one(0)
    changed = np.argwhere(got != mask)
    edges = np.argwhere(np.pad(mask, 1)[:-1, :-1] ^ np.pad(mask, 1)[1:, 1:])
    edges = np.concatenate(
        [edges, np.argwhere(np.pad(mask, 1)[:-1, 1:] ^ np.pad(mask, 1)[1:, :-1])]
    )
    for y, x in changed:
        gap = np.hypot(*(edges - (y + 0.5, x + 0.5)).T).min()
        assert gap <= tolerance + 0.75


def test_one_pixel_survives_every_format():
    mask = np.zeros((7, 9), bool)
    mask[3, 8] = True
    for name in (
        "a.json",
        "a.coco.json",
        "a.labelme.json",
        "a.labelstudio.json",
        "a.txt",
        "a.masks.png",
        "a.voc.png",
    ):
        got = there_and_back(result_of(mask), name, FormatOptions(size=(7, 9))).result
        assert (got.masks.one(0) == mask).all(), name
        assert got.masks.boxes.tolist() == [[8, 3, 9, 4]], name


def test_coco_polygons_are_what_pycocotools_sees():
    coco = pytest.importorskip("pycocotools.mask", reason="pycocotools is a development library")
    generator = np.random.default_rng(0)
    blobs = Masks.from_dense(generator.random((20, 12, 12)) < 0.7).resize((60, 60))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.coco.json"
        formats.save(Result.of(blobs), path, options=FormatOptions(shapes="polygon"))
        rows = json.loads(path.read_text())["annotations"]
    assert len(rows) == 20
    for row, mask in zip(rows, Result.of(blobs).masks, strict=True):
        theirs = coco.merge(
            coco.frPyObjects(row["segmentation"], 60, 60)
        )  # their decode warns under numpy 2
        assert np.array_equal(Masks.from_rle([theirs]).one(0), mask)
        assert row["area"] == mask.sum()


# ---- COCO's data sets


def test_coco_keeps_ids_names_and_crowds_of_many_pictures(tmp_path):
    first = Named("a/1.jpg", example(), 17, (5, 9, 4), (False, True, False))
    second = Named("2.jpg", Result.nothing((4, 6), ("bird",)), 3)
    formats.save_named([first, second], tmp_path / "set.coco.json")
    one, two = formats.load_named(tmp_path / "set.coco.json")
    assert one._replace(result=None) == first._replace(result=None)
    assert (two.name, two.picture_id, two.result.size, len(two.result)) == ("2.jpg", 3, (4, 6), 0)
    assert one.result.vocabulary == ("cat", "hot dog", "bird")


def test_coco_takes_given_category_ids(tmp_path):
    result = result_of(draw("#."), words=("zebra",))
    options = FormatOptions(category_ids={"zebra": 24, "cat": 17})
    formats.save(result, tmp_path / "a.coco.json", options=options)
    assert json.loads((tmp_path / "a.coco.json").read_text())["categories"] == [
        {"id": 24, "name": "zebra"}
    ]
    with pytest.raises(FormatError, match="no id for zebra"):
        formats.save(
            result, tmp_path / "a.coco.json", options=FormatOptions(category_ids={"cat": 1})
        )


def test_coco_reads_what_other_tools_write():
    """Two separate rings are united, a ring may be anywhere, iscrowd may be missing."""
    value = {
        "images": [{"id": 1, "height": 4, "width": 6}],
        "categories": [{"id": 3, "name": "cat"}],
        "annotations": [
            {
                "id": 8,
                "image_id": 1,
                "category_id": 3,
                "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2], [4, 2, 9, 2, 9, 4, 4, 4]],
            }
        ],
    }
    with TemporaryDirectory() as folder:
        Path(folder, "any.json").write_text(json.dumps(value))
        (item,) = formats.load_named(Path(folder, "any.json"))
    assert (item.result.masks.one(0) == draw("##....", "##....", "....##", "....##")).all()
    assert (item.name, item.region_ids) == ("1", (8,))


def test_coco_results_are_read_with_names(tmp_path):
    (code,) = Masks.from_dense(draw("#.")).to_rle()
    rows = [{"image_id": 4, "category_id": id, "segmentation": code, "score": 0.5} for id in (1, 7)]
    (tmp_path / "results.json").write_text(json.dumps(rows))
    (item,) = formats.load_named(tmp_path / "results.json", options=FormatOptions(names=("cat",)))
    assert (item.picture_id, sorted(item.result.names)) == (4, ["cat", "category 7"])


# ---- Label Studio, LabelMe


def test_brush_code_is_byte_by_byte_the_real_converters():
    vectors = json.loads((GOLDEN / "brush_vectors.json").read_text())["vectors"]
    assert len(vectors) == 7
    for vector in vectors:
        mask = draw(*vector["rows"])
        assert brush.encode(mask) == vector["rle"], vector["name"]
        assert (brush.decode(vector["rle"], mask.shape).one(0) == mask).all(), vector["name"]


def test_brush_code_with_single_values_is_read():
    """The real encoder never writes such runs for masks, Label Studio's page does."""
    bits = f"{8:032b}" + "00111" + "0010" + "0011" + "0111" + "1111"  # 8 values of 8 bits
    bits += "0" + "00" + "011" + "00000000" * 3 + "11111111"  # 4 single values
    bits += "1" + "00" + "011" + "00000000"  # 4 times 0
    code = [int(bits[start : start + 8].ljust(8, "0"), 2) for start in range(0, len(bits), 8)]
    assert brush.decode(code, (1, 2)).one(0).tolist() == [[True, False]]


def test_label_studio_prefers_annotations_and_passes_over_other_regions(tmp_path):
    formats.save(
        example(), tmp_path / "a.labelstudio.json", options=FormatOptions(shapes="polygon")
    )
    (task,) = json.loads((tmp_path / "a.labelstudio.json").read_text())
    drawn = task.pop("predictions")[0]["result"]
    choice = {"id": "x", "type": "choices", "value": {"choices": ["good"]}}
    cancelled = {"was_cancelled": True, "result": []}
    task |= {"id": 12, "annotations": [cancelled, {"result": [*drawn, choice]}]}
    task["data"]["image"] = "https://host/data/upload/my%20cat.jpg?d=1"
    (tmp_path / "export.json").write_text(json.dumps(task))
    (item,) = formats.load_named(tmp_path / "export.json")
    assert (item.name, item.picture_id) == ("my cat.jpg", 12)
    assert masks_of(item.result) == masks_of(example())


@pytest.mark.parametrize("answers", [{"annotations": []}, {"predictions": [{"result": []}]}])
def test_label_studio_without_regions_needs_a_size(answers, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([{"data": {"image": "a.jpg"}} | answers]))
    with pytest.raises(FormatError, match="size"):
        formats.load(tmp_path / "a.json")
    assert formats.load(tmp_path / "a.json", options=FormatOptions(size=(3, 4)))[0].size == (3, 4)


def test_labelme_shapes_of_other_kinds(tmp_path):
    shapes = [
        {"label": "box", "shape_type": "rectangle", "points": [[1, 1], [3, 2]]},
        {"label": "disc", "shape_type": "circle", "points": [[6, 3], [6, 5]], "group_id": None},
        {"label": "dot", "shape_type": "point", "points": [[1, 1]]},
    ]
    value = {"shapes": shapes, "imagePath": "a.jpg", "imageHeight": 6, "imageWidth": 9}
    (tmp_path / "a.json").write_text(json.dumps(value))
    (result,) = formats.load(tmp_path / "a.json")
    assert sorted(zip(result.names, result.masks.areas.tolist(), strict=True)) == [
        ("box", 2),
        ("disc", 12),
    ]


# ---- YOLO, VOC


def test_yolo_finds_size_and_words_beside_the_file(tmp_path):
    from PIL import Image as Pil

    (tmp_path / "labels").mkdir()
    (tmp_path / "images").mkdir()
    exif = Pil.Exif()
    exif[0x0112] = 6  # lies on its side: shown 5 wide, 8 high
    Pil.new("RGB", (8, 5)).save(tmp_path / "images" / "p.jpg", exif=exif)
    (tmp_path / "labels" / "p.txt").write_text("1 0 0 1 0 1 0.5 0 0.5 0.875\n\n")
    for names in (
        "names: ['cat', dog]",
        "names:\n  0: cat\n  1: dog\nnc: 2",
        "nc: 2\nnames:\n- cat\n- 'dog'\n",
    ):
        (tmp_path / "data.yaml").write_text(names)
        (item,) = formats.load_named(tmp_path / "labels" / "p.txt")
        assert (item.name, item.result.size, item.result.names) == ("p.jpg", (8, 5), ("dog",))
        assert (item.result.masks.areas.tolist(), item.result.scores.tolist()) == ([20], [0.875])


def test_yolo_unnamed_regions_have_a_class_of_their_own(tmp_path):
    formats.save(example(), tmp_path / "a.txt")
    assert (tmp_path / "classes.txt").read_text() == "cat\nhot dog\n_unnamed_\n"
    (got,) = formats.load(tmp_path / "a.txt", options=FormatOptions(size=(5, 5)))
    assert (got.vocabulary, sorted(got.names)) == (("cat", "hot dog"), ["", "cat", "hot dog"])


def test_words_of_a_folder_cannot_change_under_its_files(tmp_path):
    formats.save(example(), tmp_path / "a.txt")
    with pytest.raises(OutputError, match="other words"):
        formats.save(result_of(draw("#"), words=("bird",)), tmp_path / "b.txt")


def test_voc_pictures_have_the_development_kits_palette(tmp_path):
    colours = ids.voc_colours()
    assert colours[[1, 2, 3, 15, 255]].tolist() == [
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [192, 128, 128],
        [224, 224, 192],
    ]
    formats.save(result_of(draw("#.", ".."), draw("..", ".#")), tmp_path / "p.voc.png")
    formats.save(result_of(draw("#.", "..")), tmp_path / "q.voc.png")
    assert [item.name for item in formats.load_named(tmp_path, "voc")] == ["p", "q"]
    assert formats.load(tmp_path / "SegmentationClass" / "p.png", "voc")[0].names == (
        "cat",
        "hot dog",
    )


def test_voc_holds_254_regions():
    many = Result.of(Masks.from_label_map(np.arange(255).reshape(5, 51))[0])
    with pytest.raises(FormatError, match="254 regions"):
        there_and_back(many, "a.voc.png")


# ---- the doors


def test_every_format_is_found_by_its_suffix_and_its_name(tmp_path):
    result = example().with_image(Image(np.full((5, 5, 3), 90, np.uint8), "p.jpg"))
    for one in formats.FORMATS:
        for suffix in one.suffixes:
            assert formats.format_of(f"x{suffix.upper()}") is one
        written = formats.save(result, tmp_path / one.name / f"x{one.suffixes[0]}", one.name)
        assert written
        assert all(path.stat().st_size for path in written)
    assert formats.format_of("x.tar", "coco").name == "coco"
    assert result.save(tmp_path / "r.json") == [tmp_path / "r.json"]
    assert formats.load_named(tmp_path / "r.json")[0].name == "p.jpg"


@pytest.mark.parametrize(
    ("path", "format", "near"),
    [
        ("a.jsn", None, "'.json'"),
        ("a.json", "coca", "'coco'"),
        ("a", None, "Known"),
        ("a.zip", None, "name one of json"),
    ],
)
def test_unknown_formats_name_the_nearest(path, format, near):
    with pytest.raises(FormatError, match=near):
        formats.save(example(), path, format)


def test_many_pictures_go_into_one_file_or_a_folder(tmp_path):
    items = [Named("x/a.jpg", example()), Named("../../b.png", example())]
    assert len(formats.save_named(items, tmp_path / "all.jsonl")) == 1
    assert [item.name for item in formats.load_named(tmp_path / "all.jsonl")] == [
        "x/a.jpg",
        "../../b.png",
    ]
    written = formats.save_named(items, tmp_path / "each", "labelme")
    assert [path.name for path in written] == ["a.labelme.json", "b.labelme.json"]
    (tmp_path / "each" / "notes.md").write_text("not ours")
    assert [item.name for item in formats.load_named(tmp_path / "each")] == [
        "x/a.jpg",
        "../../b.png",
    ]
    assert len(formats.load(tmp_path / "each", "labelme")) == 2
    assert formats.save_named(items[:1], tmp_path / "one.json") == [tmp_path / "one.json"]


def test_many_pictures_need_room_for_each(tmp_path):
    items = [Named("a.jpg", example()), Named("x/a.jpg", example())]
    with pytest.raises(FormatError, match="both be written to a"):
        formats.save_named(items, tmp_path / "each", "json")
    with pytest.raises(FormatError, match="holds one picture"):
        formats.save_named(items, tmp_path / "a.json")
    with pytest.raises(FormatError, match="tells no format"):
        formats.save_named(items, tmp_path / "each")
    with pytest.raises(FormatError, match="holds no file"):
        formats.load(tmp_path)


def test_pictures_to_look_at_are_not_read(tmp_path):
    formats.save(example(), tmp_path / "a.png")
    with pytest.raises(FormatError, match="a picture to look at"):
        formats.load(tmp_path / "a.png")
    with pytest.raises(FormatError, match="needs the picture"):
        formats.save(example(), tmp_path / "a.cutout.png")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shapes": "poligon"}, "one of auto, rle, plain, polygon; got 'poligon'"),
        ({"embeddings": "int8"}, "float16"),
        ({"tolerance": -1}, "at least 0"),
        ({"tolerance": np.inf}, "at least 0"),
        ({"size": (3,)}, "size"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(OptionError, match=message):
        FormatOptions(**options)


# ---- other libraries


@settings(max_examples=25)
@given(results())
def test_fiftyone_dictionaries_and_back(result):
    got = bridges.from_fiftyone(bridges.to_fiftyone(result), result.size, result.vocabulary)
    assert_same(got, result)


def test_fiftyone_masks_of_another_size_are_stretched():
    row = {"label": "cat", "bounding_box": [0, 0, 0.5, 1], "mask": np.ones((1, 1), bool)}
    got = bridges.from_fiftyone({"detections": [row]}, (2, 4))
    assert got.masks.boxes.tolist() == [[0, 0, 2, 2]]


def test_supervision_detections_and_back():
    pytest.importorskip("supervision", reason="supervision is optional")
    result = example().replace(track_ids=np.array([4, 5, 6]))
    got = bridges.from_supervision(bridges.to_supervision(result))
    assert_same(got, result, columns=("scores", "track_ids"))
    assert got.names == result.names
    assert (
        bridges.from_supervision(bridges.to_supervision(result), result.vocabulary).vocabulary
        == result.vocabulary
    )


class Detections:
    """What the bridge reads of supervision's class."""

    def __init__(self, **columns):
        self.data, self.tracker_id, self.confidence, self.class_id, self.mask = (
            {},
            None,
            None,
            None,
            None,
        )
        self.__dict__ |= columns

    def __len__(self):
        return len(self.confidence)


def test_detections_without_masks_are_refused():
    with pytest.raises(FormatError, match="boxes only"):
        bridges.from_supervision(Detections(confidence=np.ones(1)))
    with pytest.raises(FormatError, match="give the size"):
        bridges.from_supervision(Detections(confidence=np.ones(0)))
    assert bridges.from_supervision(Detections(confidence=np.ones(0)), size=(3, 4)).size == (3, 4)


def test_detections_without_words_are_unnamed_or_named_by_id():
    plain = Detections(confidence=np.array([0.5]), mask=np.ones((1, 2, 2), bool))
    assert bridges.from_supervision(plain).names == ("",)
    plain.class_id = np.array([1])
    assert bridges.from_supervision(plain, ("cat", "dog")).names == ("dog",)


def test_a_missing_supervision_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "supervision", None)
    with pytest.raises(MissingExtraError, match="pip install supervision"):
        bridges.to_supervision(example())
