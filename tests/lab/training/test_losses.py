import pytest

torch = pytest.importorskip("torch", reason="the losses need torch: pip install 'wordmask[train]'")

from wordmask.lab.training.losses import contrast, cut_loss, depth_loss, marginal_nll  # noqa: E402


def test_the_probability_of_a_set_of_words_is_the_sum_over_it():
    logits = torch.tensor([[1.0, 2.0, 3.0, 9.0]])
    positive, against = torch.tensor([[1, 1, 0, 0]]).bool(), torch.tensor([[1, 1, 1, 0]]).bool()
    p = logits[0, :3].softmax(0)
    assert marginal_nll(logits, positive, against).item() == pytest.approx(
        -(p[0] + p[1]).log().item(), rel=1e-5
    )


def test_a_perfect_candidate_among_bad_ones_is_found_and_judged():
    target = torch.zeros(1, 16, 16)
    target[:, 4:12, 4:12] = 1
    right = (target[:, None] * 2 - 1) * 12
    masks = torch.cat([-right, right, -right], 1)
    good = cut_loss(masks, torch.tensor([[-9.0, 9.0, -9.0]]), target)
    misjudged = cut_loss(masks, torch.tensor([[9.0, -9.0, -9.0]]), target)
    assert good.iou == 1
    assert good.quality < 0.01 < misjudged.quality
    assert good.masks < cut_loss(-masks, torch.zeros(1, 3), target).masks + 1


def test_depth_does_not_depend_on_scale_and_shift():
    truth = torch.rand(2, 8, 8) + 1
    assert depth_loss(truth * 7 - 3, truth).item() == pytest.approx(0, abs=1e-4)
    assert depth_loss(-truth, truth).item() > 1


def test_pictures_are_drawn_to_their_own_captions():
    rows = torch.eye(4)
    assert contrast(rows, rows) < contrast(rows, rows.flip(0))
