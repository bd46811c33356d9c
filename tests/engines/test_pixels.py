"""Pictures as tensors."""

import json

import pytest

from tiny_networks import picture, torch
from wordmask.engines.hub.pictures import IMAGENET, UNCHANGED, pixel_statistics
from wordmask.engines.hub.pixels import normalise, to_numpy, to_tensor


def test_a_picture_of_its_own_size_is_only_divided():
    image = picture(5, 7)
    assert (to_numpy(to_tensor(image, (5, 7))) * 255).round().tolist() == (
        image.pixels.transpose(2, 0, 1).tolist()
    )
    assert to_tensor(image, (3, 9), cubic=True).shape == (3, 3, 9)


def test_normalising_happens_where_the_pixels_are():
    assert normalise(torch.zeros(2, 3, 4, 4, device="meta"), IMAGENET).device.type == "meta"
    assert normalise(torch.full((3, 1, 1), 0.5), ((0.5,) * 3, (0.1,) * 3)).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (None, IMAGENET),
        ({}, IMAGENET),
        ({"image_mean": [0.1, 0.2, 0.3]}, ([0.1, 0.2, 0.3], IMAGENET[1])),
        ({"do_normalize": False}, UNCHANGED),
        ({"image_processor": {"image_std": [1, 1, 1]}}, (IMAGENET[0], [1, 1, 1])),
    ],
)
def test_statistics_are_the_folders_own_where_it_has_some(tmp_path, settings, expected):
    if settings is not None:
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    assert pixel_statistics(tmp_path, IMAGENET) == expected
