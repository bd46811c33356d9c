"""Tiny video networks with random weights, frames to follow, and transformers' own sessions."""

import numpy as np

from tiny_networks import perturb, torch, transformers
from wordmask.core.image import Image

SIDE, HIDDEN = 128, 128
SIZE = (60, 80)  # of the frames
KINDS = ("Sam2Video", "EdgeTamVideo")


def tiny_video(kind="Sam2Video", side=SIDE, blocks=(1, 2, 2, 1)):
    """A network that follows something.

    Fresh ones find that no object is there, and then every mask is the same: tests would prove
    nothing. So the score says "there" always, the other weights are moved, and what is remembered
    is made to count.
    """
    torch.manual_seed(2)
    model = perturb(getattr(transformers, f"{kind}Model")(video_config(kind, side, blocks)), 0.1)
    return say_present(listen_to_memory(model))


def listen_to_memory(model, factor=10.0):
    """The network with more weight on what it remembers."""
    with torch.no_grad():
        model.memory_encoder.mask_downsampler.final_conv.weight *= factor
        for layer in model.memory_attention.layers:
            layer.cross_attn_image.o_proj.weight *= factor
        if model.config.model_type == "edgetam_video":
            for layer in model.spatial_perceiver.layers:
                layer.cross_attention.o_proj.weight *= factor
    return model


def say_present(model, logit=8.0):
    """The network with a fixed answer to whether the object is in a frame."""
    head = model.mask_decoder.pred_obj_score_head.proj_out
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(logit)
    return model


def come_and_go(model, logit=12.9):
    """The network with an answer that changes from frame to frame; see `say_present`."""
    torch.manual_seed(2)
    fresh = perturb(type(model)(model.config), 0.1).mask_decoder.pred_obj_score_head.proj_out
    head = model.mask_decoder.pred_obj_score_head.proj_out
    with torch.no_grad():
        head.weight.copy_(fresh.weight * 30)
        head.bias.fill_(logit)
    return model


def video_config(kind, side=SIDE, blocks=(1, 2, 2, 1)):
    t, cells = transformers, side // 16
    more = {"memory_attention_feed_forward_hidden_size": 64}
    if kind == "EdgeTamVideo":
        more = {
            "memory_attention_mlp_hidden_size": 64, "memory_attention_rope_k_sizes": [4, 4],
            "perceiver_resampler_num_latents": 16, "perceiver_resampler_num_latents_2d": 16,
        }  # fmt: skip
    return getattr(t, f"{kind}Config")(
        vision_config=_hiera(side, blocks),
        prompt_encoder_config=getattr(t, f"{kind}PromptEncoderConfig")(
            hidden_size=HIDDEN, image_size=side, mask_input_channels=8
        ),
        mask_decoder_config=getattr(t, f"{kind}MaskDecoderConfig")(
            hidden_size=HIDDEN, mlp_dim=48, iou_head_hidden_dim=24
        ),
        image_size=side, memory_attention_hidden_size=HIDDEN, memory_attention_num_layers=1,
        memory_attention_rope_feat_sizes=[cells, cells], memory_encoder_hidden_size=HIDDEN,
        memory_fuser_embed_dim=HIDDEN, mask_downsampler_embed_dim=HIDDEN,
        memory_fuser_intermediate_dim=32,
        **more,
    )  # fmt: skip


def _hiera(side, blocks):
    cells = side // 16
    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=16, image_size=[side, side], blocks_per_stage=list(blocks),
        embed_dim_per_stage=[16, 32, 64, 128], num_attention_heads_per_stage=[1, 2, 2, 4],
        window_size_per_stage=[8, 4, 8, 4], global_attention_blocks=[sum(blocks) - 2],
        window_positional_embedding_background_size=[7, 7],
    )  # fmt: skip
    return transformers.Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=[128, 64, 32, 16], fpn_hidden_size=HIDDEN,
        backbone_feature_sizes=[[4 * cells] * 2, [2 * cells] * 2, [cells] * 2],
    )  # fmt: skip


def moving_square(count, seed=0):
    """Frames in which a bright square moves over noise, and its mask in each."""
    rng = np.random.default_rng(seed)
    height, width = SIZE
    frames, masks = [], []
    for number in range(count):
        pixels = rng.integers(0, 120, (height, width, 3), dtype=np.uint8)
        mask = box_mask(5 + number % (width - 30), 20, 20)
        pixels[mask] = (250, 200, 40)
        frames.append(Image(pixels))
        masks.append(mask)
    return frames, masks


def box_mask(x, y, side):
    mask = np.zeros(SIZE, bool)
    mask[y : y + side, x : x + side] = True
    return mask


class LibrarySession:
    """transformers' own session with one object; nothing of it is ever thrown away."""

    def __init__(self, model, frames=None):
        self.model = model
        self.session = transformers.Sam2VideoInferenceSession(video=frames, dtype=torch.float32)
        self.session.obj_id_to_idx(1)

    def prompt(self, square, index, pixels=None):
        """A mask (1, 1, side, side) on a frame, as if that had not been followed before."""
        # Otherwise it would not become a frame that is remembered for good.
        self.session.frames_tracked_per_obj[0].pop(index, None)
        self.session.output_dict_per_obj[0]["non_cond_frame_outputs"].pop(index, None)
        self.session.add_mask_inputs(0, index, square)
        self.session.obj_with_new_inputs.append(1)
        self.model(inference_session=self.session, frame=pixels, frame_idx=index)

    def step(self, index, pixels):
        """(h, w) logits."""
        out = self.model(inference_session=self.session, frame=pixels, frame_idx=index)
        return out.pred_masks.numpy().reshape(out.pred_masks.shape[-2:])

    def backward(self, start):
        """Logits of the frames before `start`, the nearest first."""
        steps = self.model.propagate_in_video_iterator(self.session, start, reverse=True)
        return [out.pred_masks.numpy().reshape(out.pred_masks.shape[-2:]) for out in steps][1:]


def assert_worth_comparing(masks):
    """Logits of several frames that are masks of something, and not always the same."""
    stack = np.stack(masks)
    shares = (stack > 0).mean((1, 2))
    assert stack.std() > 0.3
    assert (shares > 0.02).all()
    assert (shares < 0.98).all()
    assert np.abs(np.diff(stack, axis=0)).max((1, 2)).min() > 0.01
