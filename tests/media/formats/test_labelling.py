"""Label Studio and LabelMe: brushes, polygons, what other regions do."""

import json
from pathlib import Path

import pytest

from drawing import draw
from drawn_results import example, masks_of
from wordmask.errors import FormatError
from wordmask.media import formats
from wordmask.media.formats import FormatOptions, brush

GOLDEN = Path(__file__).parents[2] / "golden"


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
