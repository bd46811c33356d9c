"""The SAM engine against transformers' own forward pass, on tiny random networks."""

import numpy as np
import pytest

from published_sam_hq import mend
from tiny_networks import CPU, perturb, picture, torch, transformers
from wordmask.core.protocols import PromptBatch, Seen, Segmenter
from wordmask.engines import sam
from wordmask.engines.hub.prompts import crop_padding
from wordmask.engines.hub.runtime import Compiled
from wordmask.engines.options import EngineOptions
from wordmask.errors import OptionError, PromptError

SIDE = 128


def tiny_sam(kind="Sam"):
    t = transformers
    vision = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": SIDE,
        "patch_size": 16,
        "output_channels": 32, "global_attn_indexes": [1], "window_size": 4, "mlp_dim": 64,
        "num_pos_feats": 16,
    }  # fmt: skip
    prompt = {"hidden_size": 32, "image_size": SIDE, "patch_size": 16, "mask_input_channels": 8}
    decoder = {"hidden_size": 32, "mlp_dim": 48, "iou_head_hidden_dim": 24}
    if kind == "SamHQ":
        decoder["vit_dim"] = 32
    config = getattr(t, f"{kind}Config")(
        vision_config=getattr(t, f"{kind}VisionConfig")(**vision),
        prompt_encoder_config=getattr(t, f"{kind}PromptEncoderConfig")(**prompt),
        mask_decoder_config=getattr(t, f"{kind}MaskDecoderConfig")(**decoder),
    )
    torch.manual_seed(1)
    return perturb(getattr(t, f"{kind}Model")(config), 0.15)


def sam2_config(side=SIDE, kind="Sam2", hidden=32):
    t = transformers
    backbone = t.Sam2HieraDetConfig(
        hidden_size=16, image_size=[side, side], blocks_per_stage=[1, 2, 2, 1],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 2, 2, 4], window_size_per_stage=[8, 4, 8, 4],
        global_attention_blocks=[4],
        window_positional_embedding_background_size=[7, 7],
    )  # fmt: skip
    cells = side // 16
    vision = {
        "backbone_config": backbone, "backbone_channel_list": [128, 64, 32, 16],
        "fpn_hidden_size": hidden,
        "backbone_feature_sizes": [[4 * cells] * 2, [2 * cells] * 2, [cells] * 2],
    }  # fmt: skip
    return getattr(t, f"{kind}Config")(
        vision_config=t.Sam2VisionConfig(**vision),
        prompt_encoder_config=getattr(t, f"{kind}PromptEncoderConfig")(
            hidden_size=hidden, image_size=side, mask_input_channels=8
        ),
        mask_decoder_config=getattr(t, f"{kind}MaskDecoderConfig")(
            hidden_size=hidden, mlp_dim=48, iou_head_hidden_dim=24
        ),
    )


def tiny_sam2():
    torch.manual_seed(2)
    return perturb(transformers.Sam2Model(sam2_config()), 0.15)


MAKERS = {"sam": tiny_sam, "sam_hq": lambda: tiny_sam("SamHQ"), "sam2": tiny_sam2}
# What the engines are compared with; see test_sam_hq.py
REFERENCES = MAKERS | {"sam_hq": lambda: mend(tiny_sam("SamHQ"))}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for kind, make in MAKERS.items():
        made[kind] = tmp_path_factory.mktemp(kind)
        make().save_pretrained(made[kind])
    return made


@pytest.fixture(scope="module")
def engines(folders):
    return {kind: sam.load(str(path), CPU) for kind, path in folders.items()}


def reference(model, engine, image, **prompts):
    """transformers' forward on the same pixels and input coordinates (1, P, ...)."""
    with torch.no_grad():
        return model(pixel_values=engine.network.pixels(image)[None], **prompts)


def to_input(xy, image, kind):
    """Our coordinates in the network's, less the half pixel that it adds."""
    height, width = image.size
    sx, sy = (
        (SIDE / width, SIDE / height)
        if kind == "sam2"
        else (
            round(width * SIDE / max(image.size)) / width,
            round(height * SIDE / max(image.size)) / height,
        )
    )
    return torch.tensor(
        np.asarray(xy) * np.tile([sx, sy], np.shape(xy)[-1] // 2) - 0.5, dtype=torch.float32
    )[None]


SQUARE = picture(96, 96)
CLICKS = np.array([[20.0, 30.0], [70.5, 11.0], [48.0, 90.0]])
BOXES = np.array([[5.0, 8.0, 60.0, 70.0], [30.0, 30.0, 90.0, 95.0]])


@pytest.mark.parametrize("kind", MAKERS)
def test_clicks_agree_with_transformers(kind, engines, folders):
    engine = engines[kind]
    expected = reference(
        REFERENCES[kind](), engine, SQUARE, input_points=to_input(CLICKS, SQUARE, kind)[:, :, None]
    )
    cuts = engine.cut(engine.encode([SQUARE])[0], PromptBatch.points(CLICKS))
    assert cuts.logits.shape == (3, 3, SIDE // 4, SIDE // 4)
    assert expected.pred_masks.std() > 0.1, (
        "the reference is all zero: the test would prove nothing"
    )
    assert np.abs(cuts.logits - expected.pred_masks.numpy()[0]).max() < 1e-4
    assert np.abs(cuts.quality - expected.iou_scores.numpy()[0].clip(0, 1)).max() < 1e-4


@pytest.mark.parametrize("kind", MAKERS)
def test_boxes_agree_with_transformers_and_give_one_candidate(kind, engines):
    engine = engines[kind]
    expected = reference(
        REFERENCES[kind](),
        engine,
        SQUARE,
        input_boxes=to_input(BOXES, SQUARE, kind),
        multimask_output=False,
    )
    cuts = engine.cut(engine.encode([SQUARE])[0], PromptBatch.of_boxes(BOXES))
    assert cuts.logits.shape == (2, 1, SIDE // 4, SIDE // 4)
    assert np.abs(cuts.logits - expected.pred_masks.numpy()[0]).max() < 1e-4
    assert np.abs(cuts.quality - expected.iou_scores.numpy()[0].clip(0, 1)).max() < 1e-4


@pytest.mark.parametrize("kind", MAKERS)
def test_points_with_a_box_and_a_mask_agree_with_transformers(kind, engines):
    engine = engines[kind]
    earlier = np.random.default_rng(3).normal(0, 4, (SIDE // 4, SIDE // 4)).astype(np.float32)
    prompts = PromptBatch.click(CLICKS[:2], np.array([1, 0]), BOXES[0], earlier)
    expected = reference(
        REFERENCES[kind](), engine, SQUARE,
        input_points=to_input(CLICKS[:2], SQUARE, kind)[:, None],
        input_labels=torch.tensor([[[1, 0]]]),
        input_boxes=to_input(BOXES[:1], SQUARE, kind),
        input_masks=torch.from_numpy(earlier)[None, None],
        multimask_output=False,
    )  # fmt: skip
    cuts = engine.cut(engine.encode([SQUARE])[0], prompts)
    assert np.abs(cuts.logits - expected.pred_masks.numpy()[0]).max() < 1e-4


@pytest.mark.parametrize("kind", MAKERS)
def test_a_mask_alone_is_a_prompt(kind, engines):
    engine = engines[kind]
    earlier = np.random.default_rng(3).normal(0, 4, (SIDE // 4, SIDE // 4)).astype(np.float32)
    expected = reference(
        REFERENCES[kind](),
        engine,
        SQUARE,
        input_masks=torch.from_numpy(earlier)[None, None],
        multimask_output=False,
    )
    cuts = engine.cut(
        engine.encode([SQUARE])[0], PromptBatch.click(np.zeros((0, 2)), np.zeros(0), logits=earlier)
    )
    assert np.abs(cuts.logits - expected.pred_masks.numpy()[0]).max() < 1e-4


@pytest.mark.parametrize("kind", MAKERS)
def test_three_pictures_of_odd_sizes_are_three_single_runs(kind, engines):
    engine = engines[kind]
    images = [picture(97, 61, 1), picture(33, 130, 2), picture(200, 199, 3)]
    together = engine.encode(images)
    for image, encoding in zip(images, together, strict=True):
        (alone,) = engine.encode([image])
        assert encoding.size == image.size
        for one, other in zip(encoding.tensors, alone.tensors, strict=True):
            assert (one - other).abs().max() < 4e-6 * other.abs().max()


@pytest.mark.parametrize("kind", MAKERS)
def test_mixed_prompts_are_answered_as_if_alone(kind, engines):
    engine = engines[kind]
    (encoding,) = engine.encode([picture(97, 61, 1)])
    nan = np.full(4, np.nan, np.float32)
    mixed = PromptBatch(
        np.array(
            [[[9, 9], [0, 0]], [[30, 40], [12, 80]], [[0, 0], [5, 60]], [[0, 0], [0, 0]]],
            np.float32,
        ),
        np.array([[1, -1], [1, 0], [-1, 1], [-1, -1]], np.int8),
        np.stack([nan, nan, nan, np.array([4, 4, 50, 70], np.float32)]),
    )
    cuts = engine.cut(encoding, mixed)
    alone = [
        PromptBatch.points(np.array([[9, 9]])),
        PromptBatch.click(np.array([[30, 40], [12, 80]]), np.array([1, 0])),
        PromptBatch.points(np.array([[5, 60]])),
        PromptBatch.of_boxes(np.array([[4, 4, 50, 70]])),
    ]
    for row, prompt in enumerate(alone):
        single = engine.cut(encoding, prompt)
        count = single.logits.shape[1]
        assert count == (3 if row in (0, 2) else 1)
        assert np.abs(cuts.logits[row, :count] - single.logits[0]).max() < 1e-5
        assert (cuts.logits[row, count:] < 0).all()
        assert (cuts.quality[row, count:] == 0).all()


def test_many_prompts_come_in_batches_and_the_last_is_not_lost(engines):
    engine = engines["sam2"]
    (encoding,) = engine.encode([SQUARE])
    xy = np.random.default_rng(0).uniform(0, 96, (engine.prompts_at_a_time * 2 + 1, 2))
    cuts = engine.cut(encoding, PromptBatch.points(xy))
    last = engine.cut(encoding, PromptBatch.points(xy[-1:]))
    assert np.abs(cuts.logits[-1] - last.logits[0]).max() < 1e-5


def test_a_wide_picture_is_answered_edge_to_edge(engines):
    engine = engines["sam"]
    (encoding,) = engine.encode([picture(97, 62, 1)])
    cuts = engine.cut(encoding, PromptBatch.points([[30, 40]]))
    assert cuts.logits.shape == (1, 3, 32, 21)  # 82 of 128 px are 20.5 low-resolution cells


@pytest.mark.parametrize(
    ("inner", "cells"), [((128, 82), (32, 21)), ((64, 128), (16, 32)), ((3, 128), (1, 32))]
)
def test_logits_cut_out_of_the_padding_keep_their_places(inner, cells):
    """On a ramp, every cell's value is the place of its centre: nothing has moved."""
    ramp = (torch.arange(32) + 0.5) * 4
    for axis in (0, 1):
        square = ramp[:, None].expand(32, 32) if axis == 0 else ramp.expand(32, 32)
        out = crop_padding(square[None].contiguous(), SIDE, inner)[0]
        centres = (torch.arange(cells[axis]) + 0.5) * inner[axis] / cells[axis]
        assert tuple(out.shape) == cells
        assert torch.allclose(out.select(1 - axis, 0), centres.clamp(min=2), atol=1e-4)


@pytest.mark.parametrize("size", [(97, 61), (50, 200), (128, 128)])
def test_sam_pixels_are_the_library_processors(size, engines):
    image = picture(*size)
    processor = transformers.SamImageProcessorPil(
        size={"longest_edge": SIDE}, pad_size={"height": SIDE, "width": SIDE}
    )
    expected = processor(image.pixels, return_tensors="pt")["pixel_values"][0]
    assert (engines["sam"].network.pixels(image) - expected).abs().max() < 1e-5


def test_half_the_side_is_the_same_network_built_for_it(folders):
    engine = sam.load(str(folders["sam2"]), EngineOptions(device="cpu", input_side=64))
    small = transformers.Sam2Model(sam2_config(64))
    small.load_state_dict(tiny_sam2().state_dict())
    points = torch.tensor(CLICKS * 64 / 96 - 0.5, dtype=torch.float32)[None, :, None]
    with torch.no_grad():
        expected = small.eval()(
            pixel_values=engine.network.pixels(SQUARE)[None], input_points=points
        )
    cuts = engine.cut(engine.encode([SQUARE])[0], PromptBatch.points(CLICKS))
    assert cuts.logits.shape[-2:] == (16, 16)
    assert np.abs(cuts.logits - expected.pred_masks.numpy()[0]).max() < 1e-4


@pytest.mark.parametrize(
    ("kind", "wanted", "used"),
    [("sam", 80, 80), ("sam", 90, 96), ("sam_hq", 64, 64), ("sam2", 80, 96)],
)
def test_any_side_runs_and_an_odd_one_is_rounded_up(kind, wanted, used, folders, caplog):
    engine = sam.load(str(folders[kind]), EngineOptions(device="cpu", input_side=wanted))
    cuts = engine.cut(engine.encode([SQUARE])[0], PromptBatch.points(CLICKS))
    assert engine.input_side == used
    assert cuts.logits.shape[-1] == used // 4
    assert ("is used" in caplog.text) == (wanted != used)


def test_resized_position_codes_keep_the_native_ones_where_nothing_changes(folders, engines):
    native = sam.load(str(folders["sam"]), EngineOptions(device="cpu", input_side=SIDE))
    one, other = (engine.encode([SQUARE])[0].tensors[0] for engine in (native, engines["sam"]))
    assert torch.equal(one, other)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
def test_half_precision_stays_near(kind, dtype, folders, engines):
    engine = sam.load(str(folders[kind]), EngineOptions(device="cpu", dtype=dtype))
    (encoding,) = engine.encode([SQUARE])
    cuts = engine.cut(encoding, PromptBatch.points(CLICKS))
    exact = engines[kind].cut(engines[kind].encode([SQUARE])[0], PromptBatch.points(CLICKS))
    assert encoding.tensors[0].dtype.itemsize == 2
    assert np.abs(cuts.logits - exact.logits).max() < 0.1 * np.abs(exact.logits).max()


def test_encodings_are_values(engines):
    engine = engines["sam2"]
    first, second = engine.encode([SQUARE, picture(40, 50, 4)])
    before = engine.cut(first, PromptBatch.points(CLICKS)).logits
    engine.cut(second, PromptBatch.points([[3, 3]]))
    assert isinstance(engine, Segmenter)
    assert isinstance(first, Seen)
    assert (engine.cut(first.to("cpu"), PromptBatch.points(CLICKS)).logits == before).all()
    assert first.nbytes == 4 * sum(tensor.numel() for tensor in first.tensors)


def test_a_memory_budget_makes_the_batches_smaller(folders):
    small = sam.load(str(folders["sam2"]), EngineOptions(device="cpu", max_memory="1MB"))
    large = sam.load(str(folders["sam2"]), EngineOptions(device="cpu", max_memory="8GB"))
    assert small.prompts_at_a_time == 1 < large.prompts_at_a_time
    assert small.pictures_at_a_time == 1 < large.pictures_at_a_time


def test_nothing_to_cut_by_is_an_error(engines):
    engine = engines["sam"]
    (encoding,) = engine.encode([SQUARE])
    with pytest.raises(PromptError, match="at least one"):
        engine.cut(encoding, PromptBatch.points(np.zeros((0, 2))))
    with pytest.raises(PromptError, match="prompt 0 has no point"):
        engine.cut(encoding, PromptBatch.click(np.zeros((1, 2)), np.array([-1])))


def test_a_video_checkpoint_serves_pictures(tmp_path):
    torch.manual_seed(5)
    config = sam2_config(kind="Sam2Video")
    video = perturb(transformers.Sam2VideoModel(_small_memory(config)), 0.15)
    video.save_pretrained(tmp_path)
    engine = sam.load(str(tmp_path), CPU)
    cuts = engine.cut(engine.encode([SQUARE])[0], PromptBatch.points(CLICKS))
    still = transformers.Sam2Model(sam2_config())
    still.load_state_dict(
        {name: value for name, value in video.state_dict().items() if name in still.state_dict()}
    )
    expected = reference(
        still.eval(), engine, SQUARE, input_points=to_input(CLICKS, SQUARE, "sam2")[:, :, None]
    )
    assert np.abs(cuts.logits - expected.pred_masks.numpy()[0]).max() < 1e-4


def _small_memory(config):
    config.memory_attention_hidden_size = 32
    config.memory_attention_num_layers = 1
    config.memory_attention_feed_forward_hidden_size = 32
    config.memory_encoder_hidden_size = 32
    config.memory_fuser_embed_dim = config.mask_downsampler_embed_dim = 32
    config.memory_fuser_intermediate_dim = 32
    return config


def test_a_device_that_is_not_there_is_said(folders):
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device, so none is missing")
    with pytest.raises(OptionError, match="not on this machine"):
        sam.load(str(folders["sam"]), EngineOptions(device="cuda"))


def test_where_compiling_fails_the_plain_network_answers(caplog):
    def compiler(function):
        def compiled(*args):
            raise RuntimeError("no C++ compiler")

        return compiled

    doubled = Compiled(lambda x: 2 * x, compiler)
    assert [doubled(2), doubled(3)] == [4, 6]
    assert caplog.text.count("going on without it") == 1


def test_a_compiled_function_is_used_where_it_works():
    assert Compiled(lambda x: 2 * x, lambda function: lambda x: function(x) + 1)(2) == 5
