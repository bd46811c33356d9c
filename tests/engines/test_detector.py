"""GroundingDINO and OWLv2 against transformers; words that must not be mixed up."""

import shutil

import numpy as np
import pytest

from seeing import see
from tiny_networks import letter_tokenizer, perturb, picture, torch, transformers
from wordmask.core.image import Image
from wordmask.core.protocols import Detector
from wordmask.engines import detector
from wordmask.engines.hub.phrases import token_rows
from wordmask.engines.options import EngineOptions
from wordmask.errors import ImageError, PromptError, WeightsError

LIMIT = 24  # tokens per row of the tiny networks
WORDS = ["dog", "hot", "cat", "red", "chair", "sky", "##s", "##ing", "b", "##b"]


def bert_tokenizer():
    """The special tokens stand where GroundingDINO expects BERT's: 101, 102, 1012, 1029."""
    places = {
        "[PAD]": 0,
        "[UNK]": 100,
        "[CLS]": 101,
        "[SEP]": 102,
        "[MASK]": 103,
        ".": 1012,
        "?": 1029,
    }
    vocabulary = {f"[unused{k}]": k for k in range(1100)}
    vocabulary = {token: k for token, k in vocabulary.items() if k not in places.values()} | places
    vocabulary |= {word: 1100 + k for k, word in enumerate(WORDS)}
    return transformers.BertTokenizer(
        vocab=dict(sorted(vocabulary.items(), key=lambda item: item[1]))
    )


def grounding(kind):
    t = transformers
    torch.manual_seed(1)
    swin = t.SwinConfig(
        image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    bert = t.BertConfig(
        vocab_size=1120,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
    )
    config = getattr(t, f"{kind}Config")(
        backbone_config=swin, text_config=bert, d_model=32, encoder_layers=1, decoder_layers=2,
        num_queries=12,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_text_len=LIMIT,
    )  # fmt: skip
    return perturb(getattr(t, f"{kind}ForObjectDetection")(config), 0.15)


def owl():
    t = transformers
    torch.manual_seed(2)
    shape = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 24,
    }
    config = t.Owlv2Config(
        vision_config=shape | {"image_size": 64, "patch_size": 16},
        text_config=shape
        | {
            "vocab_size": 200,
            "max_position_embeddings": 16,
            "bos_token_id": 188,
            "eos_token_id": 189,
        },
        projection_dim=16,
    )
    return perturb(t.Owlv2ForObjectDetection(config), 0.2)


MAKERS = {
    "gdino": (lambda: grounding("GroundingDino"), bert_tokenizer),
    "mm-gdino": (lambda: grounding("MMGroundingDino"), bert_tokenizer),
    "owl": (owl, letter_tokenizer),
}
DINOS = ("gdino", "mm-gdino")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for kind, (model, tokenizer) in MAKERS.items():
        made[kind] = tmp_path_factory.mktemp(kind)
        model().save_pretrained(made[kind])
        tokenizer().save_pretrained(made[kind])
    return made


def load(folders, kind, **options):
    options = {"input_side": 96} | options if kind in DINOS else options
    return detector.load(str(folders[kind]), EngineOptions(device="cpu", offline=True, **options))


# ---- rows of tokens


def test_each_phrase_has_its_own_span():
    (row,) = token_rows(bert_tokenizer(), ["hot dog", "dog", "Dogs."], 256)
    assert row.ids == (101, 1101, 1100, 1012, 1100, 1012, 1100, 1106, 1012, 102)
    assert row.spans == ((1, 3), (4, 5), (6, 8))
    assert row.phrases == (0, 1, 2)


@pytest.mark.parametrize("limit", [8, 24, 256])
def test_five_hundred_words_fill_rows_and_none_is_lost(limit):
    phrases = [" ".join(["dog", "cats", "red chair"][: 1 + k % 3]) for k in range(500)]
    made = list(token_rows(bert_tokenizer(), phrases, limit))
    assert [number for row in made for number in row.phrases] == list(range(500))
    assert all(len(row.ids) <= limit for row in made)
    assert all(row.ids[0] == 101 and row.ids[-1] == 102 for row in made)
    encode = bert_tokenizer()
    for row in made:
        for number, (start, stop) in zip(row.phrases, row.spans, strict=True):
            assert (
                list(row.ids[start:stop])
                == encode(phrases[number], add_special_tokens=False)["input_ids"][: limit - 3]
            )


def test_a_row_is_what_the_librarys_processor_writes():
    """It joins phrases with full stops, too."""
    (row,) = token_rows(bert_tokenizer(), ["hot dog", "cat"], 256)
    assert list(row.ids) == bert_tokenizer()("hot dog. cat.")["input_ids"]


def test_stops_inside_a_phrase_do_not_cut_it_in_two():
    (row,) = token_rows(bert_tokenizer(), ["hot. dog?"], 256)
    assert row.ids == (101, 1101, 1100, 1012, 102)


def test_a_phrase_without_words_is_an_error():
    with pytest.raises(PromptError, match="no word"):
        list(token_rows(bert_tokenizer(), ["dog", "..."], 256))


# ---- the networks


@pytest.mark.parametrize("kind", DINOS)
def test_grounding_dino_agrees_with_transformers(kind, folders, monkeypatch):
    monkeypatch.setattr(detector, "SAME", 1.0)
    monkeypatch.setattr(detector, "SAME_AMONG_WORDS", 1.0)
    engine, image, phrases = load(folders, kind), picture(), ["hot dog", "dog", "chairs"]
    tokens = bert_tokenizer()("hot dog. dog. chairs.", return_tensors="pt")
    pixels = engine.pixels(image)[None]
    with torch.no_grad():
        out = MAKERS[kind][0]()(
            pixel_values=pixels,
            pixel_mask=torch.ones(pixels[:, 0].shape, dtype=torch.long),
            **tokens,
        )
    probabilities = out.logits[0].sigmoid().numpy()
    fits = np.stack(
        [probabilities[:, 1:3].mean(1), probabilities[:, 4], probabilities[:, 6:8].mean(1)], 1
    )
    cx, cy, w, h = out.pred_boxes[0].numpy().T
    places = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], 1).clip(0, 1) * [
        80,
        60,
        80,
        60,
    ]
    order = np.argsort(-fits.max(1))
    order = order[fits.max(1)[order] >= detector.FLOOR]
    found = engine.propose(see(engine, image), phrases)
    assert len(order) > 3, "nothing is found at all: the test would prove nothing"
    assert np.abs(found.scores - fits.max(1)[order]).max() < 1e-4
    assert np.abs(found.boxes - places[order]).max() < 1e-2
    assert found.label_ids.tolist() == fits.argmax(1)[order].tolist()


def test_owl_agrees_with_transformers(folders, monkeypatch):
    monkeypatch.setattr(detector, "SAME", 1.0)
    monkeypatch.setattr(detector, "SAME_AMONG_WORDS", 1.0)
    engine, image, phrases = load(folders, "owl"), picture(), ["hot dog", "dog", "cat"]
    lines = [detector.OWL_TEMPLATE.format(phrase) for phrase in phrases]
    tokens = letter_tokenizer()(
        lines, return_tensors="pt", padding="max_length", max_length=16, truncation=True
    )
    with torch.no_grad():
        out = owl()(pixel_values=engine.pixels(image)[None], **tokens)
    (expected,) = transformers.Owlv2ImageProcessorPil().post_process_object_detection(
        out, detector.FLOOR, [(60, 80)]
    )
    order = torch.argsort(-expected["scores"])
    places = expected["boxes"][order].numpy().clip(0, [80, 60, 80, 60])
    real = (places[:, 2] > places[:, 0]) & (places[:, 3] > places[:, 1])
    found = engine.propose(see(engine, image), phrases)
    assert real.sum() > 2
    assert np.abs(found.scores - expected["scores"][order].numpy()[real]).max() < 1e-4
    assert np.abs(found.boxes - places[real]).max() < 1e-2
    assert found.label_ids.tolist() == expected["labels"][order].numpy()[real].tolist()


@pytest.mark.parametrize("kind", MAKERS)
def test_many_words_come_in_rows_and_each_keeps_its_number(kind, folders):
    """A word alone, last of many, finds what it finds among the first: no number is shifted."""
    engine, image = load(folders, kind), picture()
    assert isinstance(engine, Detector)
    words = [
        "dog",
        "cat",
        "red",
        "chair",
        "sky",
        "hot",
        "hot dog",
        "red chair",
        "dogs",
        "cats",
        "skys",
        "b",
    ]
    forward, backward = (
        engine.propose(see(engine, image), words),
        engine.propose(see(engine, image), words[::-1]),
    )
    assert len(forward.scores) > 0
    if kind == "owl":  # a word is a row of its own there, so the order changes nothing at all
        assert np.abs(forward.scores - backward.scores).max() < 1e-5
        assert [words[k] for k in forward.label_ids] == [words[::-1][k] for k in backward.label_ids]
    best = forward.label_ids[0]
    (alone, *_) = engine.propose(see(engine, image), [words[best]]).scores
    assert alone == pytest.approx(forward.scores[0], abs=0.2)
    assert set(forward.label_ids.tolist()) <= set(range(len(words)))


@pytest.mark.parametrize("kind", MAKERS)
def test_boxes_lie_in_the_picture_best_first(kind, folders):
    engine = load(folders, kind)
    found = engine.propose(see(engine, picture(33, 91)), ["dog", "cat"])
    assert (found.boxes >= 0).all()
    assert (found.boxes <= [91, 33, 91, 33]).all()
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("kind", MAKERS)
def test_a_picture_is_encoded_once_for_all_words(kind, folders):
    engine = load(folders, kind)
    seen = see(engine, picture())
    first, again = (engine.propose(seen, ["dog", "cat"]) for _ in range(2))
    fresh = engine.propose(see(engine, picture()), ["cat"])
    other = engine.propose(seen, ["cat"])
    assert (first.boxes == again.boxes).all()
    assert (fresh.boxes == other.boxes).all()
    assert seen.nbytes > 1000
    assert seen.size == (60, 80)


def test_what_another_detector_encoded_is_refused(folders):
    dino, owl = load(folders, "gdino"), load(folders, "owl")
    with pytest.raises(ImageError, match="OwlSeen, which another engine encoded"):
        dino.propose(see(owl, picture()), ["cat"])


def test_owl_looks_at_the_picture_only_when_it_encodes(folders, monkeypatch):
    engine = load(folders, "owl")
    seen = see(engine, picture())
    monkeypatch.setattr(engine._model, "image_embedder", lambda **_: pytest.fail("looks again"))
    assert len(engine.propose(seen, ["dog", "cat"]).boxes)


@pytest.mark.parametrize("kind", MAKERS)
def test_no_words_find_nothing(kind, folders):
    engine = load(folders, kind)
    found = engine.propose(see(engine, picture()), [])
    assert (len(found.boxes), found.threshold) == (0, engine.threshold)


def test_doubles_go_within_a_word_and_among_words():
    box = np.array([[0.1, 0.1, 0.5, 0.5]])
    near = box + np.array([[0, 0, 0.06, 0]])  # IoU 0.87
    parts = [
        (
            np.stack([box[0], near[0]]),
            np.array([0.9, 0.8]),
            np.array([0, 0]),
        ),  # one word twice: one stays
        (
            near,
            np.array([0.7]),
            np.array([1]),
        ),  # near enough to be the same, not to be one thing with two names
        (box, np.array([0.6]), np.array([2])),  # exactly the first one's box under another name
    ]
    found = detector._proposals(parts, (100, 100), (100, 100), 0.3)
    assert found.label_ids.tolist() == [0, 1]
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])


def test_nothing_found_is_a_normal_answer():
    found = detector._proposals(
        [(np.zeros((1, 4)), np.zeros(1), np.zeros(1))], (10, 10), (10, 10), 0.3
    )
    assert found.boxes.shape == (0, 4)
    assert len(found.scores) == len(found.label_ids) == 0


@pytest.mark.parametrize("size", [(60, 80), (80, 60), (50, 50), (30, 200), (5, 9)])
def test_grounding_dinos_pixels_are_the_librarys(size, folders):
    image = picture(*size)
    processor = transformers.GroundingDinoImageProcessorPil(
        size={"shortest_edge": 96, "longest_edge": 159}, do_pad=False
    )
    expected = processor(image.pixels, return_tensors="pt")["pixel_values"][0]
    ours = load(folders, "gdino").pixels(image)
    assert ours.shape == expected.shape
    assert (ours - expected).abs().max() < 1e-4


def test_owls_pixels_are_near_the_librarys(folders):
    """It smooths with a Gaussian and Pillow with a triangle; on a smooth picture they agree."""
    ramp = np.linspace(0, 255, 160)[None, :, None] * np.linspace(0.2, 1, 120)[:, None, None]
    image = Image(np.broadcast_to(ramp, (120, 160, 3)).astype(np.uint8))
    processor = transformers.Owlv2ImageProcessorPil(size={"height": 64, "width": 64})
    expected = processor(image.pixels, return_tensors="pt")["pixel_values"][0]
    difference = (load(folders, "owl").pixels(image) - expected).abs()
    assert difference[:, :47].max() < 0.05
    assert difference[:, 49:].max() < 1e-5


def test_four_bad_checkpoints_are_four_different_errors(folders, tmp_path):
    short, pickled, wrong = (tmp_path / name for name in ("short", "pickled", "wrong"))
    shutil.copytree(folders["owl"], short)
    (short / "model.safetensors").write_bytes((short / "model.safetensors").read_bytes()[:-1])
    shutil.copytree(folders["owl"], pickled)
    (pickled / "model.safetensors").unlink()
    torch.save({}, pickled / "pytorch_model.bin")
    transformers.CLIPConfig().save_pretrained(wrong)
    messages = []
    for path in (tmp_path / "nowhere", wrong, short, pickled):
        with pytest.raises(WeightsError) as caught:
            load({"owl": path}, "owl")
        messages.append(str(caught.value))
    said = ("nothing at", "architecture 'clip'", "is cut", "is a pickle")
    assert [part in message for part, message in zip(said, messages, strict=True)] == [True] * 4, (
        messages
    )
