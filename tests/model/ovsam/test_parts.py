"""The parts of Open-Vocabulary SAM, each against what it should compute."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the network needs torch: pip install 'wordmask[hf]'")

from wordmask.model.ovsam.adapter import Sam2Clip, TeacherMaps  # noqa: E402
from wordmask.model.ovsam.blocks import (  # noqa: E402
    WindowBlock,
    cut_windows,
    grid_positions,
    join_windows,
)
from wordmask.model.ovsam.decoder import OvsamPrompts  # noqa: E402
from wordmask.model.ovsam.lite0 import Lite0Backbone, Lite0Network  # noqa: E402
from wordmask.model.ovsam.naming import (  # noqa: E402
    BINS,
    Opinions,
    box_of,
    fuse,
    level_of,
    mean_under,
    roi_align,
    word_logits,
)
from wordmask.model.ovsam.net import BackboneView, OvsamNetwork  # noqa: E402
from wordmask.model.ovsam.plan import OvsamPlan  # noqa: E402
from wordmask.model.ovsam.square import fit_square  # noqa: E402

SIZES = {"side": 64, "width": 32, "depth": 2, "heads": 4, "window": 3, "dim": 32}
TINY = OvsamPlan((8, 12, 16, 20), (4, 8, 16, 32), words=10, dense=False, **SIZES)


def views(count=2):
    torch.manual_seed(0)
    return BackboneView(
        [
            torch.randn(count, channels, 64 // stride, 64 // stride)
            for channels, stride in zip(TINY.channels, TINY.strides, strict=True)
        ]
    )


def prompts(count=3):
    xy = torch.tensor([[[8.0, 8.0], [40.0, 40.0], [0.0, 0.0]]]).repeat(count, 1, 1)
    kinds = torch.tensor([[2, 3, -1]]).repeat(count, 1)
    return OvsamPrompts(xy, kinds, torch.zeros(count, 1, 4, 4))


@pytest.mark.parametrize(("height", "width", "side"), [(6, 9, 3), (5, 7, 4), (2, 2, 5)])
def test_windows_are_cut_and_joined_again(height, width, side):
    x = torch.randn(2, 3, height, width)
    parts, grid = cut_windows(x, side)
    assert parts.shape == (2 * grid[0] * grid[1], side * side, 3)
    assert torch.equal(join_windows(parts, grid, side)[:, :, :height, :width], x)


def test_a_window_does_not_see_beyond_itself_and_the_last_block_does():
    torch.manual_seed(0)
    near, far = WindowBlock(16, 4, 2).eval(), WindowBlock(16, 4, 0).eval()
    x = torch.randn(1, 16, 4, 4)
    other = x.clone()
    other[:, :, 3, 3] = torch.randn(16)
    with torch.no_grad():
        assert torch.equal(near(x)[:, :, 0, 0], near(other)[:, :, 0, 0])
        assert not torch.equal(far(x)[:, :, 0, 0], far(other)[:, :, 0, 0])


def test_positions_tell_rows_and_columns_apart():
    codes = grid_positions(3, 5, 16, torch.zeros(1))[0]
    assert codes.shape == (16, 3, 5)
    assert len({tuple(codes[:, y, x].tolist()) for y in range(3) for x in range(5)}) == 15


def test_the_adapter_gives_an_embedding_and_the_maps_of_any_teacher():
    view = views()
    adapter, outputs = Sam2Clip(TINY), TeacherMaps(TINY, [(6, 8), (4, 16), (5, 4)])
    embedding = adapter(view.levels, 4)
    assert embedding.shape == (2, 32, 4, 4)
    shapes = [tuple(one.shape[1:]) for one in outputs(embedding, view.levels)]
    assert shapes == [(6, 8, 8), (4, 16, 16), (5, 4, 4)]
    assert outputs.level_of == [1, 0, None]  # the finer ones get the backbone's own level


def test_before_any_step_the_maps_are_about_the_teachers_means():
    view, outputs = views(), TeacherMaps(TINY, [(6, 8), (4, 16)])
    means = [torch.arange(6.0), torch.arange(4.0)]
    outputs.start_from(means, [0.01, 0.01])
    for made, mean in zip(outputs(torch.randn(2, 32, 4, 4), view.levels), means, strict=True):
        assert (made - mean[:, None, None]).abs().max() < 0.05


def test_roi_align_of_a_ramp_is_the_ramp_at_the_middles_of_the_bins():
    """Bilinear samples of a linear map are exact, whatever the box."""
    side, cells = 64, 32
    centres = (torch.arange(cells) + 0.5) * side / cells
    ramp = torch.stack([centres.expand(cells, -1), centres[:, None].expand(-1, cells)])[None]
    box = torch.tensor([[10.0, 20.0, 46.0, 32.0]])
    found = roi_align(ramp, torch.tensor([0]), box, side)[0]
    middles = (torch.arange(BINS) + 0.5) / BINS
    torch.testing.assert_close(found[0], (10 + 36 * middles).expand(BINS, -1))
    torch.testing.assert_close(found[1], (20 + 12 * middles)[:, None].expand(-1, BINS))


def test_larger_boxes_are_read_at_coarser_levels():
    boxes = torch.tensor([[0.0, 0.0, side, side] for side in (20, 60, 112, 224, 500, 1024)])
    assert level_of(boxes, 1024).tolist() == [0, 0, 1, 2, 3, 3]


def test_the_box_is_that_of_the_mask_and_everything_where_nothing_is_cut():
    masks = torch.full((2, 8, 8), -1.0)
    masks[0, 2:4, 3:7] = 1
    assert box_of(masks, 32).tolist() == [[12, 8, 28, 16], [0, 0, 32, 32]]


def test_pooled_is_the_mean_direction_under_the_mask():
    cells = torch.zeros(1, 3, 4, 4)
    cells[:, 0, :, :2], cells[:, 1, :, 2:] = 5.0, 7.0
    left = torch.full((1, 16, 16), -20.0)
    left[:, :, :8] = 20
    torch.testing.assert_close(
        mean_under(cells, torch.tensor([0]), left), torch.tensor([[1.0, 0, 0]])
    )


def test_fusing_vectors_is_the_geometric_mean_of_their_softmaxes():
    torch.manual_seed(0)
    unit = torch.nn.functional.normalize
    texts = unit(torch.randn(7, 5), dim=1)
    opinions = Opinions(*(unit(torch.randn(3, 5), dim=1) for _ in range(2)))
    scale, exponent = 9.0, 0.3
    head, clip = ((scale * one @ texts.T).softmax(1) for one in opinions)
    wanted = head ** (1 - exponent) * clip**exponent
    length = ((1 - exponent) * opinions.roi + exponent * opinions.pooled).norm(dim=1)
    found = (scale * length[:, None] * fuse(opinions, exponent) @ texts.T).softmax(1)
    torch.testing.assert_close(found, wanted / wanted.sum(1, keepdim=True))


def test_the_best_synonym_counts_and_none_of_them_is_zero():
    vectors = torch.tensor([[1.0, 0.0]])
    texts = torch.tensor([[0.6, 0.8], [0.8, 0.6], [0.0, 1.0]])
    logits = word_logits(vectors, texts, torch.tensor([0, 0, 1]), 10.0)
    torch.testing.assert_close(logits, torch.tensor([[8.0, 0.0, 0.0]]))


def test_the_whole_gives_a_mask_a_quality_and_two_opinions():
    torch.manual_seed(0)
    network = OvsamNetwork(TINY).eval()
    with torch.no_grad():
        encoded = network.encode(views())
        of = torch.tensor([0, 1, 1])
        cut = network.cut(encoded, of, prompts())
        opinions = network.name(encoded, of, cut)
    assert (cut.masks.shape, cut.quality.shape, cut.label.shape) == ((3, 16, 16), (3,), (3, 32))
    for one in opinions:
        assert one.shape == (3, 10)
        np.testing.assert_allclose(one.norm(dim=1), 1, atol=1e-5)


def test_the_whole_runs_in_half_precision():
    torch.manual_seed(0)
    network = OvsamNetwork(TINY).eval()
    half = BackboneView([level.bfloat16() for level in views().levels])
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        encoded, of = network.encode(half), torch.tensor([0, 1, 1])
        cut = network.cut(encoded, of, prompts())
        opinions = network.name(encoded, of, cut)
    assert all(bool(torch.isfinite(one).all()) for one in (cut.masks, *opinions))


def test_padding_of_a_prompt_changes_nothing():
    torch.manual_seed(0)
    network = OvsamNetwork(TINY).eval()
    few = prompts(1)
    padded = OvsamPrompts(
        torch.cat([few.xy, torch.rand(1, 4, 2) * 60], 1),
        torch.cat([few.kinds, torch.full((1, 4), -1)], 1),
        few.before,
    )
    with torch.no_grad():
        encoded, of = network.encode(views(1)), torch.tensor([0])
        one, other = network.cut(encoded, of, few), network.cut(encoded, of, padded)
    torch.testing.assert_close(one.masks, other.masks)


def test_the_label_token_is_added_to_both_opinions():
    torch.manual_seed(0)
    network = OvsamNetwork(TINY).eval()
    torch.nn.init.normal_(network.names.label_to_pooled.weight)
    with torch.no_grad():
        encoded, of = network.encode(views(1)), torch.tensor([0])
        cut = network.cut(encoded, of, prompts(1))
        first = network.name(encoded, of, cut)
        second = network.name(encoded, of, cut._replace(label=cut.label + 1))
    assert not torch.allclose(first.roi, second.roi)
    assert not torch.allclose(first.pooled, second.pooled)


def test_an_earlier_mask_is_seen_and_its_absence_adds_nothing():
    torch.manual_seed(0)
    network = OvsamNetwork(TINY).eval()
    none = prompts(1)
    some = none._replace(before=torch.randn(1, 1, 16, 16) * 5)
    with torch.no_grad():
        encoded, of = network.encode(views(1)), torch.tensor([0])
        assert not torch.allclose(
            network.cut(encoded, of, none).masks, network.cut(encoded, of, some).masks
        )
        assert not network.decoder._draw(none.before, (4, 4)).any()


@pytest.mark.parametrize("size", [(30, 64), (100, 40), (64, 64)])
def test_a_picture_lies_in_the_top_left_of_its_square(size):
    pixels = np.full((*size, 3), 9, np.uint8)
    square, inner = fit_square(pixels, 64)
    assert max(inner) == 64
    assert inner[0] % 4 == inner[1] % 4 == 0
    assert (square[: inner[0], : inner[1]] == 9).all()
    assert (square == 9).all(2).sum() == inner[0] * inner[1]


def test_a_cell_has_the_code_of_a_point_at_its_middle():
    decoder = OvsamNetwork(TINY).decoder
    codes = decoder._where((4, 4))[0].unflatten(0, (4, 4))
    torch.testing.assert_close(codes[2, 1], decoder.position(torch.tensor([24.0, 40.0])))


def test_lite0s_cells_are_means_of_its_classes_words():
    torch.manual_seed(0)
    network = Lite0Network(5)
    network.words.normal_()
    backbone = Lite0Backbone(network.state_dict())
    view = backbone(torch.randint(0, 255, (1, 3, 64, 64)))
    assert backbone.dense_width == 5
    assert view.dense.shape == (1, 5, 2, 2)
    with torch.no_grad():
        shares = network.eval().classify(network.widen(view.levels[-1])).softmax(1)
    torch.testing.assert_close(view.dense[0, :, 0, 1], shares[0, :, 0, 1] @ network.words)
    assert Lite0Backbone(Lite0Network(0).state_dict()).dense_width == 0
