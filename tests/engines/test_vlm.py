"""Engines for questions, tiny and with random weights, against transformers' own way."""

import json

import pytest

from seeing import see
from tiny_networks import CPU, perturb, picture, torch, transformers
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.protocols import Answerer
from wordmask.engines import vlm
from wordmask.errors import ImageError, WeightsError

KINDS = ("blip", "smolvlm", "qwen3_vl", "florence2")
WORDS = ["what", "is", "it", "?", "red", "dog", "cat", "yes", "no", "two", "User", ":", "Answer"]
SPECIAL = {
    "blip": ["[PAD]", "[UNK]", "[CLS]", "[SEP]"],
    "smolvlm": ["<pad>", "<unk>", "<|im_start|>", "<end_of_utterance>", "<image>",
                "<fake_token_around_image>", "<global-img>"],
    "qwen3_vl": ["<pad>", "<unk>", "<|im_start|>", "<|im_end|>", "<|image_pad|>",
                 "<|vision_start|>", "<|vision_end|>", "<|video_pad|>"],
    "florence2": ["<pad>", "<unk>", "<s>", "</s>", "<image>"],
}  # fmt: skip
TEXT = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 2, "vocab_size": 32, "max_position_embeddings": 256,
}  # fmt: skip
PIXELS = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}


def word_tokenizer(kind):
    """Whole words and the family's special tokens, 0 to pad and 1 for what is not known."""
    import tokenizers

    names = SPECIAL[kind]
    vocabulary = {word: number for number, word in enumerate([*names, *WORDS])}
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token=names[1]))
    model.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    if kind in ("blip", "florence2"):
        first, last = names[2], names[3]
        model.post_processor = tokenizers.processors.TemplateProcessing(
            single=f"{first} $A {last}", special_tokens=[(first, 2), (last, 3)]
        )
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=model, pad_token=names[0], unk_token=names[1]
    )
    made.add_special_tokens({"additional_special_tokens": names[2:]})
    return made


def blip():
    t = transformers
    text = TEXT | {"encoder_hidden_size": 32, "bos_token_id": 2, "eos_token_id": 3}
    text |= {"pad_token_id": 0, "sep_token_id": 3, "projection_dim": 16}
    vision = {k: v for k, v in TEXT.items() if k not in ("vocab_size", "max_position_embeddings")}
    vision |= {"image_size": 32, "patch_size": 8, "projection_dim": 16}
    config = t.BlipConfig(text_config=text, vision_config=vision, projection_dim=16)
    return t.BlipForQuestionAnswering(config), {"size": {"height": 32, "width": 32}}


def smolvlm():
    t = transformers
    vision = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
              "num_attention_heads": 2, "image_size": 32, "patch_size": 8}  # fmt: skip
    text = TEXT | {"model_type": "llama", "pad_token_id": 0, "eos_token_id": 3, "bos_token_id": 2}
    config = t.SmolVLMConfig(
        vision_config=vision, text_config=text, scale_factor=2, image_token_id=4, pad_token_id=0
    )
    side = {"longest_edge": 32}
    return t.SmolVLMForConditionalGeneration(config), {"size": side, "max_image_size": side}


def qwen3_vl():
    t = transformers
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "mrope_interleaved": True}
    text = TEXT | {"head_dim": 16, "rope_parameters": rope, "pad_token_id": 0, "eos_token_id": 3}
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2,
              "patch_size": 8, "spatial_merge_size": 2, "temporal_patch_size": 2,
              "out_hidden_size": 32, "num_position_embeddings": 16,
              "deepstack_visual_indexes": [0, 1]}  # fmt: skip
    config = t.Qwen3VLConfig(
        text_config=text, vision_config=vision, image_token_id=4, vision_start_token_id=5,
        vision_end_token_id=6, video_token_id=7,
    )  # fmt: skip
    size = {"shortest_edge": 16 * 16, "longest_edge": 64 * 64}
    pixels = {"patch_size": 8, "merge_size": 2, "temporal_patch_size": 2, "size": size}
    return t.Qwen3VLForConditionalGeneration(config), pixels


def florence2():
    t = transformers
    text = {"model_type": "bart", "d_model": 32, "encoder_layers": 1, "decoder_layers": 1,
            "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 48,
            "decoder_ffn_dim": 48, "vocab_size": 32, "max_position_embeddings": 256,
            "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 3,
            "forced_eos_token_id": 3}  # fmt: skip
    vision = {"depths": [1, 1, 1, 1], "embed_dim": [8, 16, 16, 32], "num_heads": [1, 1, 1, 2],
              "num_groups": [1, 1, 1, 2], "projection_dim": 32, "window_size": 4,
              "max_position_embeddings": 10}  # fmt: skip
    config = t.Florence2Config(text_config=text, vision_config=vision, image_token_id=4)
    return t.Florence2ForConditionalGeneration(config), {
        "size": {"height": 64, "width": 64}, "do_center_crop": False,
    }  # fmt: skip


MAKERS = {"blip": blip, "smolvlm": smolvlm, "qwen3_vl": qwen3_vl, "florence2": florence2}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder in hub layout for each family."""
    made = {}
    for kind, maker in MAKERS.items():
        path = tmp_path_factory.mktemp(kind)
        torch.manual_seed(4)
        model, pixels = maker()
        perturb(model, 0.3).save_pretrained(path)
        word_tokenizer(kind).save_pretrained(path)
        (path / "preprocessor_config.json").write_text(json.dumps(PIXELS | pixels))
        made[kind] = path
    return made


def load(folders, kind):
    return engines.load(str(folders[kind]), need=(Answerer,), options=CPU).get(Answerer)


def expected_tokens(kind, engine, image, question):
    """What `generate` of transformers writes when it is given pixels and tokens, as documented."""
    model, tokenizer = engine._model, engine._tokenizer
    more = {"do_image_splitting": False} if kind == "smolvlm" else {}
    pixels = dict(engine._pixels(images=image.pixels, return_tensors="pt", **more))
    text = question
    if kind == "smolvlm":
        shown = "<image>" * 4  # (32 / 8 / 2) squared
        fence = "<fake_token_around_image>"
        text = f"<|im_start|>User:{fence}<global-img>{shown}{fence}{question}{vlm.SHORT_ANSWER}"
        text += "<end_of_utterance>\nAssistant:"
    if kind == "qwen3_vl":
        count = int(pixels["image_grid_thw"].prod()) // 4
        shown = f"<|vision_start|>{'<|image_pad|>' * count}<|vision_end|>"
        text = f"<|im_start|>user\n{shown}{question}{vlm.SHORT_ANSWER}<|im_end|>\n"
        text += "<|im_start|>assistant\n"
    if kind == "florence2":
        count = model.get_image_features(pixels["pixel_values"]).pooler_output.shape[1]
        text = "<image>" * count + f"<s>{question}</s>"
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=kind == "blip")["input_ids"]
    if kind == "qwen3_vl":
        pixels["mm_token_type_ids"] = (ids == 4).to(torch.int32)
    with torch.no_grad():
        out = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=vlm.LONGEST,
            do_sample=False, num_beams=1, **pixels,
        )  # fmt: skip
    given = ids.shape[1] if kind in ("smolvlm", "qwen3_vl") else 1
    return out[0][given:]


@pytest.mark.parametrize("kind", KINDS)
def test_it_writes_what_transformers_writes(kind, folders):
    engine = load(folders, kind)
    image, question = picture(40, 56, seed=1), "what is it ?"
    wording = engine.answer(see(engine, image), question)
    tokens = expected_tokens(kind, engine, image, question)
    assert wording.text == engine._tokenizer.decode(tokens, skip_special_tokens=True).strip()
    assert len(tokens) > 1
    assert 0 < wording.score <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_depends_on_picture_and_question(kind, folders):
    engine = load(folders, kind)
    seen, other = see(engine, picture(seed=2)), see(engine, Image(255 - picture(seed=3).pixels))
    answers = {
        engine.answer(seen, "what is it ?"),
        engine.answer(other, "what is it ?"),
        engine.answer(seen, "red dog cat yes no"),
    }
    assert len(answers) > 1
    assert engine.answer(seen, "what is it ?") == engine.answer(seen, "what is it ?")
    assert seen.nbytes > 0


def test_the_score_is_the_mean_probability_of_the_tokens():
    scores = [
        torch.log(torch.tensor([[0.5, 0.25, 0.25]])),
        torch.log(torch.tensor([[0.1, 0.1, 0.8]])),
    ]
    assert vlm.token_probability(scores, torch.tensor([0, 2])) == pytest.approx(0.4**0.5)
    assert vlm.token_probability([], torch.tensor([])) == 0


def test_what_is_missing_is_named(folders, tmp_path):
    for file in folders["blip"].iterdir():
        if file.name != "preprocessor_config.json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(WeightsError, match=r"no preprocessor_config\.json"):
        engines.load(str(tmp_path), options=CPU)


def test_another_engines_encoding_is_refused(folders):
    engine = load(folders, "blip")
    with pytest.raises(ImageError, match="encode the picture with the engine"):
        engine.answer(see(engines.load("fake").parts[0], picture()), "what is it ?")
