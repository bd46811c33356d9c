"""SAM 3 and SAM3-LiteText against transformers' own forward pass, on tiny random networks."""

import importlib.util
import shutil

import numpy as np
import pytest

from seeing import see
from tiny_networks import CPU, letter_tokenizer, perturb, picture, torch, transformers
from wordmask.core.protocols import Detector
from wordmask.engines import sam3
from wordmask.engines.options import EngineOptions
from wordmask.errors import CapabilityError, OptionError, WeightsError

SIDE, QUERIES = 112, 6


def tiny(kind):
    t = transformers
    torch.manual_seed(0)
    backbone = t.Sam3ViTConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        image_size=SIDE,
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
    model = perturb(model, 0.1)
    with torch.no_grad():  # so that something is thought to be there
        model.detr_decoder.presence_head.layer3.bias += 4.0
    return model


KINDS = ("Sam3", "Sam3LiteText")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for kind in KINDS:
        made[kind] = tmp_path_factory.mktemp(kind)
        tiny(kind).save_pretrained(made[kind])
        letter_tokenizer().save_pretrained(made[kind])
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_words_agree_with_transformers(kind, folders):
    engine, image, model = sam3.load(str(folders[kind]), CPU), picture(), tiny(kind)
    assert isinstance(engine, Detector)
    found = engine.propose(see(engine, image), ["cat", "dog"])
    pixels = sam3.normalise(sam3.to_tensor(image, (SIDE, SIDE)), sam3.HALF)[None]
    scores, boxes, labels, areas = [], [], [], []
    for number, word in enumerate(("cat", "dog")):
        tokens = letter_tokenizer()(
            [word], padding="max_length", max_length=32, return_tensors="pt"
        )
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


def test_an_encoding_waits_in_host_memory_and_comes_back(folders):
    engine = sam3.load(str(folders["Sam3"]), CPU)
    seen = see(engine, picture())
    elsewhere = seen.to("meta")
    assert elsewhere.output.fpn_hidden_states[0].device.type == "meta"
    assert elsewhere.nbytes == seen.nbytes > 10_000
    found, again = (engine.propose(one, ["cat"]) for one in (seen, seen.to("cpu")))
    assert (found.boxes == again.boxes).all()


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
