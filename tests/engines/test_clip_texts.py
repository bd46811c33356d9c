"""The text side of CLIP, SigLIP and TIPSv2; whole pictures; what is refused."""

import shutil

import numpy as np
import pytest

from seeing import see
from tiny_networks import (
    CLIP_KINDS,
    SIDE,
    clip_tokenizer,
    picture,
    save_clip,
    tiny_clip,
    torch,
    transformers,
)
from wordmask.core.protocols import Dense, Embedder
from wordmask.engines import clip
from wordmask.engines.hub import texts
from wordmask.engines.options import EngineOptions
from wordmask.errors import CapabilityError, OptionError, WeightsError


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for kind in CLIP_KINDS:
        made[kind] = tmp_path_factory.mktemp(kind)
        save_clip(kind, made[kind])
    return made


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def load(folders, kind="clip", **options):
    return clip.load(str(folders[kind]), EngineOptions(device="cpu", offline=True, **options))


def test_there_are_eighty_templates_all_different():
    assert len(set(texts.TEMPLATES)) == len(texts.TEMPLATES) == 80
    assert all(template.count("{}") == 1 for template in texts.TEMPLATES)


@pytest.mark.parametrize("kind", CLIP_KINDS)
def test_a_phrase_is_the_mean_of_its_eighty_sentences(kind, folders):
    """One sentence at a time, without any padding but what the network was trained with."""
    engine, model, encode = load(folders, kind), tiny_clip(kind), clip_tokenizer(kind)
    rows = []
    with torch.no_grad():
        for template in texts.TEMPLATES:
            tokens = encode(
                template.format("red cat"), return_tensors="pt", truncation=True, max_length=64
            )
            if kind == "siglip":
                tokens = encode(
                    template.format("red cat"),
                    return_tensors="pt",
                    padding="max_length",
                    max_length=64,
                )
                tokens = {"input_ids": tokens["input_ids"]}
            wanted = {name: tokens[name] for name in tokens if name != "token_type_ids"}
            rows.append(
                torch.nn.functional.normalize(
                    model.get_text_features(**wanted).pooler_output[0], dim=0
                ).numpy()
            )
    mean = np.mean(rows, 0)
    found = engine.embed_texts(["red cat"])
    assert found.shape == (1, len(mean))
    assert np.abs(found[0] - mean / np.linalg.norm(mean)).max() < 1e-5


@pytest.mark.parametrize("kind", CLIP_KINDS)
def test_phrases_of_any_length_do_not_change_each_other(kind, folders):
    engine = load(folders, kind)
    phrases = ["a", "a long phrase of words", "dog"]
    together = engine.embed_texts(phrases)
    alone = np.concatenate([texts.ensemble([phrase], engine.texts.sentences) for phrase in phrases])
    assert np.abs(together - alone).max() < 1e-5
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_bank_is_read_back_and_only_new_words_are_computed(folders, monkeypatch):
    first = load(folders)
    rows = first.embed_texts(["cat", "dog"])
    second = load(folders)
    asked = []
    plain = second.texts.sentences
    monkeypatch.setattr(
        second.texts, "sentences", lambda lines: asked.extend(lines) or plain(lines)
    )
    again = second.embed_texts(["dog", "bird", "cat"])
    assert (again[[2, 0]] == rows).all()
    assert len(asked) == 80
    assert all("bird" in line for line in asked)


def test_another_networks_bank_is_not_read(folders):
    assert load(folders, "siglip").texts.bank_path != load(folders, "clip").texts.bank_path


def test_a_broken_bank_is_made_anew(folders, caplog):
    engine = load(folders)
    rows = engine.embed_texts(["cat"])
    engine.texts.bank_path.write_bytes(engine.texts.bank_path.read_bytes()[:50])
    again = load(folders)
    assert (again.embed_texts(["cat"]) == rows).all()
    assert "made anew" in caplog.text
    assert (load(folders).embed_texts(["cat"]) == rows).all()


def test_no_phrase_gives_no_row(folders):
    assert len(load(folders).embed_texts([])) == 0


def test_a_text_that_is_too_long_is_said_and_still_embedded(folders, caplog):
    assert load(folders).embed_texts(["x" * 100]).shape == (1, 24)
    assert "may be cut" in caplog.text


# ---- whole pictures


@pytest.mark.parametrize("size", [(40, 40), (33, 61), (90, 32)])
def test_a_whole_picture_is_seen_as_the_library_sees_it(size, folders):
    processor = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    )
    pixels = processor(picture(*size).pixels, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        expected = torch.nn.functional.normalize(
            tiny_clip("clip").get_image_features(pixels).pooler_output, dim=-1
        )
    engine = load(folders)
    vector = engine.embed(see(engine, picture(*size)))
    assert np.abs(vector - expected[0].numpy()).max() < 1e-4


@pytest.mark.parametrize("kind", CLIP_KINDS)
def test_pictures_in_a_batch_are_embedded_as_alone(kind, folders):
    engine = load(folders, kind)
    engine.windows_at_a_time = 2
    images = [picture(40, 50, 1), picture(90, 31, 2), picture(33, 33, 3)]
    for image, seen in zip(images, engine.encode(images), strict=True):
        alone = engine.embed(see(engine, image))
        assert np.abs(engine.embed(seen) - alone).max() < 1e-5
        assert alone.shape == engine.embed_texts(["cat"])[0].shape
    assert isinstance(engine, Dense)
    assert isinstance(engine, Embedder)


def test_no_picture_gives_no_row(folders):
    assert load(folders).encode([]) == []


def test_pictures_encoded_together_are_computed_together_and_once(folders):
    """What one of them is asked first is computed for all, and nothing that nobody asks for."""
    engine = load(folders)
    one, other = engine.encode([picture(40, 50), picture(33, 33)])
    before = one.nbytes
    vector = engine.embed(one)
    assert engine.embed(one) is not None
    assert other.vectors.made[0][0] == pytest.approx(vector)
    assert other.maps.made == ()
    assert one.nbytes == before + vector.nbytes
    features = engine.features(other)
    assert engine.features(other) is features
    assert one.maps.made[0][1] is features


# ---- options and files


def test_modes_that_lack_what_they_need_say_so(folders):
    with pytest.raises(OptionError, match="DINO"):
        load(folders, dense_mode="proxyclip")
    engine = load(folders, dense_mode="corrclip")
    with pytest.raises(CapabilityError, match="masks"):
        engine.features(see(engine, picture(40, 40)))
    with pytest.raises(OptionError, match="must be one of"):
        load(folders, dense_mode="magic")


def test_a_memory_budget_makes_the_batches_smaller(folders):
    small, large = load(folders, max_memory="100KB"), load(folders, max_memory="4GB")
    assert small.windows_at_a_time < large.windows_at_a_time
    assert small.texts.sentences_at_a_time < large.texts.sentences_at_a_time


@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
def test_half_precision_stays_near(dtype, folders):
    exact, near = load(folders), load(folders, dtype=dtype)
    one, other = (engine.features(see(engine, picture(50, 60))).vectors for engine in (exact, near))
    assert (one * other).sum(-1).min() > 0.99


def test_four_bad_checkpoints_are_four_different_errors(folders, tmp_path):
    short, pickled, wrong = (tmp_path / name for name in ("short", "pickled", "wrong"))
    shutil.copytree(folders["clip"], short)
    (short / "model.safetensors").write_bytes((short / "model.safetensors").read_bytes()[:-1])
    shutil.copytree(folders["clip"], pickled)
    (pickled / "model.safetensors").unlink()
    torch.save({}, pickled / "pytorch_model.bin")
    transformers.SamConfig().save_pretrained(wrong)
    messages = []
    for path in (tmp_path / "nowhere", wrong, short, pickled):
        with pytest.raises(WeightsError) as caught:
            load({"clip": path})
        messages.append(str(caught.value))
    said = ("nothing at", "architecture 'sam'", "is cut", "is a pickle")
    assert [part in message for part, message in zip(said, messages, strict=True)] == [True] * 4, (
        messages
    )


def test_a_folder_without_its_tokenizer_says_so(folders, tmp_path):
    shutil.copytree(folders["clip"], tmp_path / "bare")
    for file in (tmp_path / "bare").glob("*token*"):
        file.unlink()
    with pytest.raises(WeightsError, match="tokenizer"):
        load({"clip": tmp_path / "bare"})
