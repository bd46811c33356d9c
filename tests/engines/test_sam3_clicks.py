"""SAM 3 by clicks, against transformers' own network for clicks on the same published weights."""

import numpy as np
import pytest

from seeing import see
from tiny_networks import CPU, picture, torch, transformers
from tiny_sam3 import SIDE, save_published_names
from tiny_video import SIZE, box_mask
from wordmask.core.prompts import Text
from wordmask.core.protocols import Detector, PromptBatch, Segmenter, Tracker
from wordmask.engines import CARDS, load, sam3
from wordmask.engines.options import EngineOptions
from wordmask.errors import ImageError, PromptError
from wordmask.tasks.finding.trace import Trace
from wordmask.tasks.segment import SegmentOptions, segment

CELLS = 4 * SIDE // 14
CLICKS = np.array([[20.0, 30.0], [70.5, 11.0], [48.0, 50.0]])
BOXES = np.array([[5.0, 8.0, 60.0, 50.0], [30.0, 10.0, 75.0, 55.0]])
EARLIER = np.random.default_rng(3).normal(0, 4, (CELLS, CELLS)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_published_names(tmp_path_factory.mktemp("sam3_clicks"))


@pytest.fixture(scope="module")
def engine(folder):
    return sam3.load(str(folder), CPU)


@pytest.fixture(scope="module")
def library(folder):
    model, told = transformers.Sam3TrackerModel.from_pretrained(folder, output_loading_info=True)
    assert not told["missing_keys"], "the reference has weights of its own: it would prove nothing"
    return model.eval()


@pytest.fixture(scope="module")
def seen(engine):
    return see(engine, picture(*SIZE))


def expect(library, **prompts):
    pixels = sam3.normalise(sam3.to_tensor(picture(*SIZE), (SIDE, SIDE)), sam3.HALF)[None]
    with torch.no_grad():
        out = library(image_embeddings=published_maps(library, pixels), **prompts)
    assert out.pred_masks.std() > 0.05, "the reference is flat: it would prove nothing"
    return out.pred_masks.numpy(), out.iou_scores.numpy()


def published_maps(library, pixels):
    """The library's maps, with "nothing is remembered" added where SAM 3's makers add it.

    The library (5.23) adds it to a fourth level, which it then leaves out.
    """
    levels = library.get_image_features(pixels).fpn_hidden_states[:3]
    *fine, coarse = levels
    sizes = library.backbone_feature_sizes
    return [
        level.permute(1, 2, 0).reshape(1, -1, *size)
        for level, size in zip((*fine, coarse + library.no_memory_embedding), sizes, strict=True)
    ]


def to_input(xy):
    """Places in the picture -> in the square, less the half pixel that the network adds."""
    scale = np.tile([SIDE / SIZE[1], SIDE / SIZE[0]], xy.shape[-1] // 2)
    return torch.tensor(xy * scale - 0.5, dtype=torch.float32)[None]


def assert_same(cuts, expected):
    masks, quality = (one[0] for one in expected)
    assert cuts.logits.shape == masks.shape
    assert np.abs(cuts.logits - masks).max() < 1e-4
    assert np.abs(cuts.quality - quality.clip(0, 1)).max() < 1e-4


def test_clicks_agree_with_transformers(engine, seen, library):
    cuts = engine.cut(seen, PromptBatch.points(CLICKS))
    assert cuts.logits.shape == (3, 3, CELLS, CELLS)
    assert_same(cuts, expect(library, input_points=to_input(CLICKS)[:, :, None]))


def test_boxes_agree_with_transformers_and_give_one_candidate(engine, seen, library):
    cuts = engine.cut(seen, PromptBatch.of_boxes(BOXES))
    assert cuts.logits.shape[1] == 1
    assert_same(cuts, expect(library, input_boxes=to_input(BOXES), multimask_output=False))


def test_points_with_a_box_and_an_earlier_mask_agree_with_transformers(engine, seen, library):
    expected = expect(
        library, multimask_output=False,
        input_points=to_input(CLICKS[:2])[:, None], input_labels=torch.tensor([[[1, 0]]]),
        input_boxes=to_input(BOXES[:1]), input_masks=torch.from_numpy(EARLIER)[None, None],
    )  # fmt: skip
    prompts = PromptBatch.click(CLICKS[:2], np.array([1, 0]), BOXES[0], EARLIER)
    assert_same(engine.cut(seen, prompts), expected)


def test_an_earlier_mask_alone_agrees_with_transformers(engine, seen, library):
    masks = torch.from_numpy(EARLIER)[None, None]
    expected = expect(library, input_masks=masks, multimask_output=False)
    prompts = PromptBatch.click(np.zeros((0, 2)), np.zeros(0), logits=EARLIER)
    assert_same(engine.cut(seen, prompts), expected)


def test_words_clicks_and_following_share_one_encoding(engine):
    passes = []
    hook = engine._model.vision_encoder.register_forward_hook(lambda *_: passes.append("encoded"))
    frame = see(engine, picture(*SIZE))
    engine.propose(frame, ["cat"])
    engine.cut(frame, PromptBatch.of_boxes(BOXES))
    engine.remember(frame, box_mask(20, 20, 20))
    hook.remove()
    assert passes == ["encoded"]


def test_an_encoding_that_was_moved_is_cut_as_before(engine, seen):
    moved = seen.to("cpu")
    one, other = (engine.cut(where, PromptBatch.points(CLICKS)) for where in (seen, moved))
    assert (one.logits == other.logits).all()


def test_half_precision_stays_near(folder, engine, seen):
    half = sam3.load(str(folder), EngineOptions(device="cpu", dtype="bf16"))
    cuts = half.cut(see(half, picture(*SIZE)), PromptBatch.points(CLICKS))
    exact = engine.cut(seen, PromptBatch.points(CLICKS)).logits
    assert 0 < np.abs(cuts.logits - exact).mean() < 0.2 * exact.std()


def test_what_cannot_be_cut_is_said(engine, seen):
    with pytest.raises(PromptError, match="no prompts"):
        engine.cut(seen, PromptBatch.points(np.zeros((0, 2))))
    with pytest.raises(ImageError, match="another engine encoded"):
        engine.cut(object(), PromptBatch.points(CLICKS))


def test_a_folder_leads_to_words_clicks_and_tracking(folder):
    models = load(str(folder), need=(Segmenter, Detector, Tracker), options=CPU)
    assert models.get(Segmenter) is models.get(Detector) is models.get(Tracker)
    assert "Segmenter" in CARDS["sam3"].protocols
    assert "Segmenter" not in CARDS["sam3-litetext"].protocols


def test_words_are_answered_by_its_own_masks_and_not_by_boxes_cut_again(folder):
    models, trace = load(str(folder), options=CPU), Trace()
    segment(picture(*SIZE), Text(["cat"]), models, SegmentOptions(), trace)
    assert trace.how == "unified"
