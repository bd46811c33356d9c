"""SAM 3 and SAM3-LiteText against transformers' own forward pass, on tiny random networks."""

import importlib.util
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'wordmask[hf]'")
transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: pip install 'wordmask[hf]'"
)

from seeing import see  # noqa: E402 (after the skips above)
from wordmask.core.image import Image  # noqa: E402 (after the skips above)
from wordmask.core.protocols import Detector  # noqa: E402
from wordmask.engines import sam3  # noqa: E402
from wordmask.engines.options import EngineOptions  # noqa: E402
from wordmask.errors import CapabilityError, OptionError, WeightsError  # noqa: E402

CPU = EngineOptions(device="cpu", offline=True)
SIDE, QUERIES = 112, 6


def tiny(kind):
    t = transformers
    torch.manual_seed(0)
    backbone = t.Sam3ViTConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE,
        patch_size=14, window_size=4, global_attn_indexes=[1], pretrain_image_size=56,
    )  # fmt: skip
    vision = t.Sam3VisionConfig(
        backbone_config=backbone,
        fpn_hidden_size=32,
        backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
    )
    part = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48}
    text = part | {
        "vocab_size": 200,
        "projection_dim": 32,
        "num_hidden_layers": 2,
        "max_position_embeddings": 32,
    }
    config = getattr(t, f"{kind}Config")(
        vision_config=vision,
        text_config=text | {"bos_token_id": 188, "eos_token_id": 189},
        geometry_encoder_config=part | {"num_layers": 1},
        detr_encoder_config=part | {"num_layers": 1},
        detr_decoder_config=part | {"num_layers": 2, "num_queries": QUERIES},
        mask_decoder_config={"hidden_size": 32, "num_attention_heads": 2},
    )
    model = getattr(t, f"{kind}Model")(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
        model.detr_decoder.presence_head.layer3.bias += (
            4.0  # so that something is thought to be there
        )
    return model.eval()


def tokenizer():
    letters = [chr(code) for code in range(33, 127)]
    tokens = [
        *letters,
        *(letter + "</w>" for letter in letters),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    return transformers.CLIPTokenizer(vocab={token: k for k, token in enumerate(tokens)}, merges=[])


KINDS = ("Sam3", "Sam3LiteText")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for kind in KINDS:
        made[kind] = tmp_path_factory.mktemp(kind)
        tiny(kind).save_pretrained(made[kind])
        tokenizer().save_pretrained(made[kind])
    return made


def picture(seed=0):
    return Image(np.random.default_rng(seed).integers(0, 256, (60, 80, 3), dtype=np.uint8))


@pytest.mark.parametrize("kind", KINDS)
def test_words_agree_with_transformers(kind, folders):
    engine, image, model = sam3.load(str(folders[kind]), CPU), picture(), tiny(kind)
    assert isinstance(engine, Detector)
    found = engine.propose(see(engine, image), ["cat", "dog"])
    pixels = sam3.normalised(sam3.resized(image, (SIDE, SIDE)), *sam3.HALF)[None]
    scores, boxes, labels, areas = [], [], [], []
    for number, word in enumerate(("cat", "dog")):
        tokens = tokenizer()([word], padding="max_length", max_length=32, return_tensors="pt")
        with torch.no_grad():
            out = model(pixel_values=pixels, **tokens)
        fits = (out.pred_logits.sigmoid() * out.presence_logits.sigmoid())[0]
        whole = torch.nn.functional.interpolate(out.pred_masks, (60, 80), mode="bilinear")[0] > 0
        for row in range(QUERIES):
            if fits[row] >= sam3.FLOOR and whole[row].any():
                scores.append(float(fits[row]))
                boxes.append((out.pred_boxes[0, row] * torch.tensor([80, 60, 80, 60])).tolist())
                labels.append(number)
                areas.append(int(whole[row].sum()))
    assert {0, 1} == set(labels), "nothing is found at all: the test would prove nothing"
    assert found.label_ids.tolist() == labels
    assert np.abs(found.scores - scores).max() < 1e-4
    assert np.abs(found.boxes - boxes).max() < 1e-2
    assert np.abs(found.masks.areas - areas).max() <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_gives_nothing(kind, folders):
    engine = sam3.load(str(folders[kind]), CPU)
    found = engine.propose(see(engine, picture()), [])
    assert len(found.scores) == len(found.boxes) == len(found.masks) == 0


def test_example_boxes_need_torchvision_and_say_so(folders):
    if importlib.util.find_spec("torchvision"):
        pytest.skip("torchvision is installed, so nothing is missing")
    engine = sam3.load(str(folders["Sam3"]), CPU)
    with pytest.raises(CapabilityError, match="torchvision"):
        engine.propose_like(see(engine, picture()), np.array([[5, 5, 20, 20]]))


def test_example_boxes_are_found_again_by_the_library_too(folders):
    pytest.importorskip(
        "torchvision", reason="torchvision is not installed; SAM 3 needs its roi_align for boxes"
    )
    engine = sam3.load(str(folders["Sam3"]), CPU)
    found = engine.propose_like(see(engine, picture()), np.array([[5, 5, 20, 20]]))
    assert set(found.label_ids.tolist()) <= {0}


def test_another_input_side_is_refused(folders):
    with pytest.raises(OptionError, match="one input side"):
        sam3.load(str(folders["Sam3"]), EngineOptions(device="cpu", input_side=512))


def test_four_bad_checkpoints_are_four_different_errors(folders, tmp_path):
    short, pickled, wrong = (tmp_path / name for name in ("short", "pickled", "wrong"))
    shutil.copytree(folders["Sam3"], short)
    (short / "model.safetensors").write_bytes((short / "model.safetensors").read_bytes()[:-1])
    shutil.copytree(folders["Sam3"], pickled)
    (pickled / "model.safetensors").unlink()
    torch.save({}, pickled / "pytorch_model.bin")
    transformers.Sam2Config().save_pretrained(wrong)
    messages = []
    for path in (tmp_path / "nowhere", wrong, short, pickled):
        with pytest.raises(WeightsError) as caught:
            sam3.load(str(path), CPU)
        messages.append(str(caught.value))
    said = ("nothing at", "architecture 'sam2'", "is cut", "is a pickle")
    assert [part in message for part, message in zip(said, messages, strict=True)] == [True] * 4, (
        messages
    )
