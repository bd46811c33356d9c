"""SAM-HQ against its authors' formula, which transformers' own forward pass does not follow."""

import numpy as np
import pytest

from published_sam_hq import mend, published_masks
from seeing import see
from tiny_networks import CPU, picture, torch, transformers
from tiny_sams import SAM_SIDE, save_sam
from wordmask.core.protocols import PromptBatch
from wordmask.engines import sam

SIZE = (90, 120)
CLICK, BOX = np.array([[31.0, 44.0]]), np.array([[12.0, 20.0, 80.0, 61.0]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_sam("SamHQ", tmp_path_factory.mktemp("sam_hq"))


@pytest.fixture(scope="module")
def engine(folder):
    return sam.load(str(folder), CPU)


@pytest.fixture(scope="module")
def library(folder):
    return transformers.SamHQModel.from_pretrained(folder).eval()


def published(engine, library, seen, **prompts):
    """The authors' logits (4, h, w) and (1, h, w) over the picture, and the quality."""
    sparse, dense = library.prompt_encoder(
        **dict.fromkeys(("input_points", "input_labels", "input_boxes", "input_masks")) | prompts
    )
    codes = library.get_image_wide_positional_embeddings()
    with torch.no_grad():
        *masks, quality = published_masks(
            library.mask_decoder, *seen.tensors, codes, sparse[0, 0], dense
        )
    inner = engine.network.inner(seen.size)
    coarse, fine = (sam_logits[:, : inner[0] * 32 // SAM_SIDE] for sam_logits in masks)
    return coarse.numpy(), fine.numpy(), quality.numpy()


def to_input(xy):
    return torch.tensor(xy * SAM_SIDE / max(SIZE) - 0.5, dtype=torch.float32)[None]


def test_a_click_gives_the_published_masks_best_first(engine, library):
    seen = see(engine, picture(*SIZE))
    coarse, fine, quality = published(
        engine, library, seen,
        input_points=to_input(CLICK)[:, :, None], input_labels=torch.ones(1, 1, 1, dtype=torch.int),
    )  # fmt: skip
    cuts = engine.cut(seen, PromptBatch.points(CLICK))
    order = 1 + np.argsort(-quality[1:])
    assert coarse.std() > 0.1
    assert np.abs(cuts.logits[0] - (coarse + fine)[order]).max() < 1e-4
    assert np.abs(cuts.quality[0] - quality[order].clip(0, 1)).max() < 1e-4


def test_a_box_gives_the_published_mask(engine, library):
    seen = see(engine, picture(*SIZE))
    coarse, fine, quality = published(engine, library, seen, input_boxes=to_input(BOX))
    cuts = engine.cut(seen, PromptBatch.of_boxes(BOX))
    assert np.abs(cuts.logits[0, 0] - (coarse + fine)[0]).max() < 1e-4
    assert np.abs(cuts.quality[0, 0] - quality[0].clip(0, 1)) < 1e-4


def test_the_library_agrees_once_its_map_is_mended(engine, library, folder):
    """On the whole square, all else being as the library does it."""
    image = picture(SAM_SIDE, SAM_SIDE)
    pixels = engine.network.pixels(image)[None]
    mended = mend(transformers.SamHQModel.from_pretrained(folder).eval())
    boxes = np.concatenate([BOX, BOX + 9])
    ours = engine.cut(see(engine, image), PromptBatch.of_boxes(boxes)).logits
    with torch.no_grad():
        inputs = torch.tensor(boxes - 0.5, dtype=torch.float32)[None]
        theirs = mended(pixel_values=pixels, input_boxes=inputs, multimask_output=False)
    assert np.abs(ours - theirs.pred_masks.numpy()[0]).max() < 1e-4
