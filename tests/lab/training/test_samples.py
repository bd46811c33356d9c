from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="batches are tensors: pip install 'wordmask[train]'")

from wordmask.errors import OptionError
from wordmask.lab.data.packs import read_packs
from wordmask.lab.training.batches import Batches, split
from wordmask.lab.training.labels import LabelledMasks, LabelReader, TeacherBoxes
from wordmask.lab.training.samples import SampleOptions, make_sample
from wordmask.model.mini.constants import BOTTOM_RIGHT, NOTHING, POSITIVE, TOP_LEFT

OPTIONS = SampleOptions(side=64, long_side=128, scales=(0.6, 1.0), points=64, regions=4, inside=8)


@pytest.fixture(scope="module")
def reader(packs_folder):
    return LabelReader(read_packs(packs_folder))


def first_labels(reader, name):
    return reader.read(next(one for one in reader.packs.records if one.set == name))


@pytest.mark.parametrize("seed", range(8))
def test_points_carry_the_label_of_the_colour_under_them(reader, seed):
    sample = make_sample(first_labels(reader, "voc"), np.random.default_rng(seed), OPTIONS)
    cat = sample.point_rows == reader.vocabulary.row_of["voc", "cat"]
    x, y = sample.points[cat].astype(int).T
    red = sample.picture[y, x].astype(int)
    # Recoloured, blurred at edges, now and then grey.
    assert not cat.any() or (red[:, 0] >= red[:, 2]).mean() > 0.8


@pytest.mark.parametrize("seed", range(8))
def test_a_prompt_points_at_its_mask(reader, seed):
    sample = make_sample(first_labels(reader, "coco"), np.random.default_rng(seed), OPTIONS)
    cuts = sample.cuts
    assert len(cuts.masks) > 0
    for mask, xy, kind in zip(cuts.masks, cuts.xy, cuts.kinds, strict=True):
        for (x, y), k in zip(xy, kind, strict=True):
            if k == POSITIVE:
                assert mask[min(int(y / 4), 15), min(int(x / 4), 15)] > 0
        assert (kind == TOP_LEFT).sum() == (kind == BOTTOM_RIGHT).sum() <= 1
        assert (kind != NOTHING).any()


@pytest.mark.parametrize("seed", range(4))
def test_points_of_a_region_lie_in_its_colour_or_its_box(reader, seed):
    """The drawn VOC picture has a red cat, a blue person, and a sure box around the person."""
    sample = make_sample(first_labels(reader, "voc"), np.random.default_rng(seed), OPTIONS)
    regions = sample.regions
    assert regions.xy.shape == (len(regions.rows), OPTIONS.inside, 2)
    for xy, box in zip(regions.xy, regions.boxes, strict=True):
        if box.any():
            assert (xy >= box[:2]).all()
            assert (xy <= box[2:]).all()


def test_a_picture_without_labels_is_a_sample_too(reader):
    labels = first_labels(reader, "voc")
    nothing = replace(
        labels,
        maps=[],
        regions=LabelledMasks.alike(labels.regions.masks[[]], 0),
        boxes=TeacherBoxes(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0)),
    )
    sample = make_sample(nothing, np.random.default_rng(0), OPTIONS)
    assert sample.points.shape == (0, 2)
    assert sample.regions.xy.shape == (0, OPTIONS.inside, 2)
    assert sample.cuts.masks.shape == (0, 16, 16)


def test_a_step_has_the_same_batch_however_often_it_is_made(reader):
    batches = Batches(reader, OPTIONS, 3, {})
    first, again, next_ = batches.batch(1, 5), batches.batch(1, 5), batches.batch(1, 6)
    assert (first.pictures == again.pictures).all()
    assert (first.point_rows == again.point_rows).all()
    assert not (first.pictures == next_.pictures).all()


def test_a_stream_goes_on_where_it_is_told_and_passes_errors_on(reader, monkeypatch):
    batches = Batches(reader, OPTIONS, 2, {})
    stream = batches.stream(1, 5)
    for step in (5, 6):
        assert (next(stream).pictures == batches.batch(1, step).pictures).all()
    stream.close()
    monkeypatch.setattr(batches, "batch", lambda seed, step: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        next(batches.stream(1, 0))


def test_captions_go_with_their_picture(reader):
    vectors = {f"{one.set}/{one.stem}": np.ones((2, 8)) for one in reader.packs.records[:3]}
    batches = Batches(reader, OPTIONS, 8, vectors)
    assert set(batches.batch(1, 0).captions.sum(1).tolist()) == {0.0, 8.0}


def test_held_out_pictures_are_never_drawn(reader):
    records = [one for one in reader.packs.records for _ in range(10)]
    learn, held = split(records)
    assert len(learn) + len(held) == len(records)
    assert held


@pytest.mark.parametrize(
    "options", [{"side": 8}, {"points": 0}, {"scales": (0.0, 1.0)}, {"clicks": 5}], ids=str
)
def test_options_that_cannot_be_met_are_refused(options):
    with pytest.raises(OptionError):
        SampleOptions(**options)
