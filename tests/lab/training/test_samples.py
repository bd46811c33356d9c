import numpy as np
import pytest

from wordmask.lab.data.packs import Packs
from wordmask.lab.training.batches import Batches, split
from wordmask.lab.training.samples import SampleOptions, make_sample
from wordmask.model.mini.constants import BOTTOM_RIGHT, NOTHING, POSITIVE, TOP_LEFT

OPTIONS = SampleOptions(side=64, long_side=128, scales=(0.6, 1.0), points=64, regions=4, inside=8)


@pytest.fixture(scope="module")
def packs(packs_folder):
    return Packs(packs_folder)


@pytest.mark.parametrize("seed", range(8))
def test_points_carry_the_label_of_the_colour_under_them(packs, seed):
    labels = packs.load(next(r for r in packs.records if r.set == "voc"))
    rng = np.random.default_rng(seed)
    sample = make_sample(labels, rng, OPTIONS)
    cat = sample.point_rows == packs.vocabulary.row_of["voc", "cat"]
    x, y = sample.points[cat].astype(int).T
    red = sample.picture[y, x].astype(int)
    assert (
        not cat.any() or (red[:, 0] >= red[:, 2]).mean() > 0.8
    )  # jittered, blurred at edges, now and then grey


@pytest.mark.parametrize("seed", range(8))
def test_a_prompt_points_at_its_mask(packs, seed):
    labels = packs.load(next(r for r in packs.records if r.set == "coco"))
    sample = make_sample(labels, np.random.default_rng(seed), OPTIONS)
    for mask, xy, kind in zip(sample.cut_masks, sample.cut_points, sample.cut_kinds, strict=True):
        for (x, y), k in zip(xy, kind, strict=True):
            if k == POSITIVE:
                assert mask[min(int(y / 4), 15), min(int(x / 4), 15)] > 0
        assert (kind == TOP_LEFT).sum() == (kind == BOTTOM_RIGHT).sum() <= 1
        assert (kind != NOTHING).any()


def test_a_step_has_the_same_batch_however_often_it_is_made(packs):
    batches = Batches(packs, OPTIONS, 3, {})
    first, again, next_ = batches.batch(1, 5), batches.batch(1, 5), batches.batch(1, 6)
    assert (first.pictures == again.pictures).all()
    assert (first.point_rows == again.point_rows).all()
    assert not (first.pictures == next_.pictures).all()


def test_held_out_pictures_are_never_drawn(packs):
    records = [r for r in packs.records for _ in range(10)]
    learn, held = split(records)
    assert len(learn) + len(held) == len(records)
    assert held
