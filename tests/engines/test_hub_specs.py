"""Folders in hub layout: by path, in either place of a+b, offline, and at work in `segment`."""

import numpy as np
import pytest

from tiny_networks import CPU, perturb, save_clip, transformers
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.prompts import Text
from wordmask.core.protocols import Dense, Embedder, Segmenter
from wordmask.engines.options import EngineOptions
from wordmask.errors import CapabilityError, WeightsError
from wordmask.tasks.segment import SegmentOptions, segment


@pytest.fixture(scope="module")
def sam_folder(tmp_path_factory):
    t, path = transformers, tmp_path_factory.mktemp("sam")
    vision = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64,
        "patch_size": 16,
        "output_channels": 32, "global_attn_indexes": [1], "window_size": 3, "mlp_dim": 64,
        "num_pos_feats": 16,
    }  # fmt: skip
    config = t.SamConfig(
        vision_config=t.SamVisionConfig(**vision),
        prompt_encoder_config=t.SamPromptEncoderConfig(
            hidden_size=32, image_size=64, mask_input_channels=8
        ),
        mask_decoder_config=t.SamMaskDecoderConfig(
            hidden_size=32, mlp_dim=48, iou_head_hidden_dim=24
        ),
    )
    perturb(t.SamModel(config), 0.15).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    return save_clip("clip", tmp_path_factory.mktemp("clip"))


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("turned", [False, True])
def test_two_paths_are_joined_in_either_order(turned, sam_folder, clip_folder):
    parts = [sam_folder, clip_folder][:: -1 if turned else 1]
    models = engines.load("+".join(map(str, parts)), need=(Segmenter, Dense, Embedder), options=CPU)
    assert type(models.get(Segmenter)).__name__ == "SamEngine"
    assert type(models.get(Dense)).__name__ == "ClipEngine"
    assert all("@sha256:" in part for part in models.made_by)


def test_a_path_beside_a_known_name(sam_folder):
    models = engines.load(f"{sam_folder}+fake", need=(Segmenter, Dense), options=CPU)
    assert type(models.get(Segmenter)).__name__ == "SamEngine"
    assert models.made_by[1].startswith("fake")


def test_a_known_name_with_a_checkpoint_of_ones_own(sam_folder):
    models = engines.load(
        "sam-b", need=(Segmenter,), options=EngineOptions(device="cpu", checkpoint=sam_folder)
    )
    assert models.made_by[0].startswith("sam-b@sha256:")


def test_what_a_folder_cannot_do_is_said(sam_folder):
    with pytest.raises(CapabilityError, match="Dense"):
        engines.load(str(sam_folder), need=(Dense,), options=CPU)


def test_offline_a_name_that_is_not_here_is_an_error():
    with pytest.raises(WeightsError):
        engines.load("sam2.1-tiny", options=CPU)


@pytest.mark.parametrize("how", ["guided", "everything"])
def test_words_become_masks_with_sam_and_clip(how, sam_folder, clip_folder):
    """Random weights find nothing sensible, but the parts fit and every pixel has one owner."""
    models = engines.load(f"{sam_folder}+{clip_folder}", options=CPU)
    image = Image(
        np.kron(np.random.default_rng(0).integers(0, 256, (4, 5, 3)), np.ones((12, 12, 1))).astype(
            np.uint8
        )
    )
    options = SegmentOptions(how=how, min_confidence=0, min_region_size=4)
    result = segment(image, Text(("cat", "dog", "sky")), models, options)
    assert result.size == (48, 60)
    assert result.vocabulary == ("cat", "dog", "sky")
    assert how == "everything" or result.masks.dense().sum(0).max() == 1
    assert {word.phrase for word in result.absent} | set(result.names) == {"cat", "dog", "sky"}
    assert all("@sha256:" in name for name in result.made_by)


@pytest.mark.parametrize("how", ["unified", "guided"])
def test_corrclip_gets_its_masks_from_the_segmenter_beside_it(how, clip_folder, monkeypatch):
    options = EngineOptions(device="cpu", offline=True, dense_mode="corrclip")
    models = engines.load(f"{clip_folder}+fake", options=options)
    clip = models.get(Dense)
    given, features = [], clip.features

    def watched(seen, masks):
        given.append(masks)
        return features(seen, masks)

    monkeypatch.setattr(clip, "features", watched)
    pixels = np.full((48, 60, 3), 255, np.uint8)
    pixels[8:40, 6:30] = (255, 0, 0)
    words, options_of_words = (
        Text(("cat", "dog")),
        SegmentOptions(how=how, min_confidence=0, coarse_threshold=0),
    )
    assert segment(Image(pixels), words, models, options_of_words).vocabulary == ("cat", "dog")
    (masks,) = given
    assert [6, 8, 30, 40] in masks.boxes.tolist()
    with pytest.raises(CapabilityError, match="join a segmenter"):
        segment(Image(pixels), words, engines.load(str(clip_folder), options=options))
