import pytest

torch = pytest.importorskip(
    "torch", reason="the network needs torch: pip install 'wordmask[train]'"
)

import torch.nn.functional as F  # noqa: E402

from wordmask.model.mini import decoder  # noqa: E402
from wordmask.model.mini.backbone import CHANNELS, Backbone  # noqa: E402
from wordmask.model.mini.constants import (  # noqa: E402
    BOTTOM_RIGHT,
    NEGATIVE,
    NOTHING,
    POSITIVE,
    TOP_LEFT,
)
from wordmask.model.mini.decoder import upsample  # noqa: E402
from wordmask.model.mini.net import Adapter, MiniNetwork  # noqa: E402


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return MiniNetwork().eval()


@pytest.fixture(scope="module")
def features(model):
    with torch.no_grad():
        return model(torch.randint(0, 255, (1, 3, 64, 96)).float())


def test_the_pyramid_has_strides_4_to_32():
    maps = Backbone()(torch.zeros(1, 3, 64, 96))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (c, 64 // s, 96 // s) for c, s in zip(CHANNELS, (4, 8, 16, 32), strict=True)
    ]


def test_frozen_layers_get_no_gradient(model):
    model.backbone(torch.rand(1, 3, 64, 64)).pop().sum().backward()
    learns = [
        any(p.grad is not None for p in layer.parameters()) for layer in model.backbone.layers
    ]
    assert learns == [k >= model.backbone.frozen for k in range(len(learns))]
    model.zero_grad()


def test_shapes_of_all_answers(features):
    assert [tuple(f.shape[1:]) for f in features] == [
        (256, 8, 12),
        (1, 8, 12),
        (96, 8, 12),
        (48, 16, 24),
        (1, 8, 12),
        (256,),
        (40, 8, 12),
    ]


def cut(model, f, xy, kind):
    before = torch.zeros(len(xy), 1, 8, 12)
    with torch.no_grad():
        maps = model.decoder.prepare(f.coarse, f.fine)
        return model.decoder(maps, torch.tensor(xy).float(), torch.tensor(kind), before)


def test_places_without_a_point_change_nothing(model, features):
    one = cut(model, features, [[[20, 30]]], [[POSITIVE]])
    padded = cut(model, features, [[[20, 30], [90, 5]]], [[POSITIVE, NOTHING]])
    for a, b in zip(one, padded, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_a_negative_point_changes_the_cut(model, features):
    one = cut(model, features, [[[20, 30], [60, 30]]], [[POSITIVE, POSITIVE]])
    two = cut(model, features, [[[20, 30], [60, 30]]], [[POSITIVE, NEGATIVE]])
    assert (one[0] - two[0]).abs().max() > 1e-3


def test_prompts_of_a_batch_do_not_see_each_other(model, features):
    both = cut(model, features, [[[20, 30]], [[60, 8]]], [[POSITIVE], [POSITIVE]])
    alone = cut(model, features, [[[60, 8]]], [[POSITIVE]])
    torch.testing.assert_close(both[0][1:], alone[0], atol=1e-4, rtol=1e-4)


def test_the_necks_for_words_and_masks_begin_by_changing_nothing(model):
    with torch.no_grad():
        trunk = model.trunk(torch.randint(0, 255, (1, 3, 64, 96)).float())
        added = model.mask_neck(trunk.neck, trunk.shared)
    assert torch.equal(trunk.words, trunk.neck)
    assert added.shape == trunk.neck.shape
    assert not added.any()


def test_the_neck_for_masks_begins_with_the_layers_that_everything_shares():
    network = MiniNetwork().eval()
    own = network.mask_neck
    own.begin_like(network.backbone, network.neck)
    with torch.no_grad():
        maps = network.backbone(torch.randint(0, 255, (1, 3, 64, 96)).float())
        x = maps[1]
        for layer in own.layers:
            x = layer(x)
    torch.testing.assert_close(x, maps[2])


def test_the_neck_for_words_begins_like_what_everything_shares():
    network = MiniNetwork().eval()
    own = network.word_neck
    own.begin_like(network.backbone, network.neck)
    picture = torch.randint(0, 255, (1, 3, 64, 96)).float()
    with torch.no_grad():
        maps = network.backbone(picture)
        shared, _ = network.neck(maps)
        own.last.weight += torch.eye(len(own.last.weight))[..., None, None]
        added = own(maps[2])
        again = network.neck.at8(F.relu(network.neck.lateral[0](maps[1]) + upsample(added)))
    torch.testing.assert_close(again, shared)


def test_the_adapter_begins_by_changing_nothing():
    words = torch.nn.functional.normalize(torch.randn(5, 256), dim=1)
    torch.testing.assert_close(Adapter()(words), words)


def test_the_candidates_of_a_box_move_half_way_to_their_mean(model, features, monkeypatch):
    box, click = [[[20, 30], [60, 60]]], [[[20, 30]]]
    kinds = [[TOP_LEFT, BOTTOM_RIGHT]]
    near, clicked = cut(model, features, box, kinds)[0], cut(model, features, click, [[POSITIVE]])
    monkeypatch.setattr(decoder, "draw_near_in_boxes", lambda masks, kind: masks)
    apart = cut(model, features, box, kinds)[0]
    torch.testing.assert_close(near, (apart + apart.mean(1, keepdim=True)) / 2)
    assert (apart - near).abs().max() > 1e-3
    torch.testing.assert_close(cut(model, features, click, [[POSITIVE]])[0], clicked[0])
