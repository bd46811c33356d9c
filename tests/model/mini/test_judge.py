import pytest

torch = pytest.importorskip(
    "torch", reason="the network needs torch: pip install 'wordmask[train]'"
)

from wordmask.model.mini.constants import BOTTOM_RIGHT, POSITIVE, TOP_LEFT  # noqa: E402
from wordmask.model.mini.decoder import draw_prompts  # noqa: E402
from wordmask.model.mini.judge import FACTS, MaskJudge, mask_facts  # noqa: E402

SIZE = (16, 24)  # cells at stride 8


def square(left: int, right: int) -> torch.Tensor:
    """Logits at stride 4: inside from row 8 to 20 and between these columns."""
    mask = torch.full((2 * SIZE[0], 2 * SIZE[1]), -9.0)
    mask[8:20, left:right] = 9.0
    return mask


def facts_of(masks, *, middle=None, xy=((40.0, 56.0),), kind=(POSITIVE,)):
    masks = torch.stack(list(masks))[None]
    drawn = draw_prompts(torch.tensor([xy]), torch.tensor([kind]), torch.zeros(1, 1, *SIZE), *SIZE)
    middle = torch.rand(1, 8, *SIZE) if middle is None else middle
    return mask_facts(masks, torch.zeros(1, 3), middle, drawn)[0]


def test_an_untrained_judge_repeats_the_cutter():
    facts = torch.randn(5, 3, FACTS)
    torch.testing.assert_close(MaskJudge()(facts), facts[..., 0])


def test_facts_are_finite_for_any_masks():
    torch.manual_seed(1)
    for masks in (torch.full((3, 32, 48), -30.0), torch.full((3, 32, 48), 30.0)):
        facts = facts_of(masks)
        assert facts.shape == (3, FACTS)
        assert facts.isfinite().all()


def test_a_sharp_mask_differs_from_a_vague_one():
    sharp, vague = square(8, 24), square(8, 24) / 18
    facts = facts_of((sharp, vague, sharp))
    assert facts[0, 1] == 1  # the same at both thresholds
    assert facts[1, 1] == 0
    torch.testing.assert_close(facts[0, 1:6], facts[2, 1:6])


def test_a_mask_beside_the_click_holds_none_of_it():
    held, missed, _ = facts_of((square(8, 24), square(36, 46), square(8, 24)))
    difference = (held - missed).abs()
    assert difference[27] > 0.9  # the share of the click that is inside


def test_a_box_says_how_much_of_it_is_filled():
    corners = ((32.0, 32.0), (96.0, 80.0))
    filled, half, beside = facts_of(
        (square(8, 24), square(8, 16), square(30, 46)), xy=corners, kind=(TOP_LEFT, BOTTOM_RIGHT)
    )
    assert filled[24] == 1  # there is a box
    assert filled[26] > 0.8 > half[26] > 0.3 > beside[26]
    assert beside[25] < 0.1
    assert filled[25] > 0.8


def test_alike_surroundings_count_against_a_mask():
    middle = torch.zeros(1, 2, *SIZE)
    middle[:, 0] = 1
    middle[:, :, 4:10, 4:12] = torch.tensor([0.0, 1.0])[:, None, None]  # an object
    whole, elsewhere, _ = facts_of((square(8, 24), square(34, 46), square(8, 24)), middle=middle)
    # 10 (1 - cosine of inside and around)
    assert whole[23] > 9
    assert elsewhere[23] < 1


def test_candidates_are_told_apart_and_compared():
    facts = facts_of((square(8, 24), square(8, 16), square(8, 24)))
    assert facts[:, 18:21].tolist() == torch.eye(3).tolist()
    torch.testing.assert_close(facts[0, 12], torch.tensor(0.5))  # its IoU with the second
    torch.testing.assert_close(facts[0, 15], torch.tensor(1.0))  # and with the third
