"""A tiny SAM 3 for video with random weights, for words, clicks and objects to follow."""

from tiny_networks import letter_tokenizer, perturb, torch, transformers
from tiny_video import HIDDEN, listen_to_memory, say_present

SIDE, QUERIES = 112, 6
WEIGHTS = "model.safetensors"


def save_sam3_video(folder, mend_area=0):
    """A folder in hub layout."""
    tiny_sam3_video(mend_area).save_pretrained(folder)
    letter_tokenizer().save_pretrained(folder)
    return folder


def tiny_sam3_video(mend_area=0):
    torch.manual_seed(2)
    model = perturb(transformers.Sam3VideoModel(_config(mend_area)), 0.1)
    say_present(listen_to_memory(model.tracker_model))
    with torch.no_grad():  # so that something is thought to be there
        model.detector_model.detr_decoder.presence_head.layer3.bias += 4.0
    return model


def _config(mend_area):
    t = transformers
    part = {"hidden_size": HIDDEN, "num_attention_heads": 2, "intermediate_size": 48}
    text = {
        "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48, "vocab_size": 200,
        "projection_dim": HIDDEN, "num_hidden_layers": 2, "max_position_embeddings": 32,
        "bos_token_id": 188, "eos_token_id": 189,
    }  # fmt: skip
    detector = t.Sam3Config(
        vision_config=_vision(),
        text_config=text,
        geometry_encoder_config=part | {"num_layers": 1},
        detr_encoder_config=part | {"num_layers": 1},
        detr_decoder_config=part | {"num_layers": 2, "num_queries": QUERIES},
        mask_decoder_config={"hidden_size": HIDDEN, "num_attention_heads": 2},
    )
    tracker = t.Sam3TrackerVideoConfig(
        vision_config=_vision(),
        prompt_encoder_config=t.Sam3TrackerVideoPromptEncoderConfig(
            hidden_size=HIDDEN, image_size=SIDE, patch_size=14, mask_input_channels=8
        ),
        mask_decoder_config=t.Sam3TrackerVideoMaskDecoderConfig(
            hidden_size=HIDDEN, mlp_dim=48, iou_head_hidden_dim=24
        ),
        image_size=SIDE, memory_attention_hidden_size=HIDDEN, memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64, memory_encoder_hidden_size=HIDDEN,
        memory_fuser_embed_dim=HIDDEN, mask_downsampler_embed_dim=HIDDEN,
        memory_fuser_intermediate_dim=32,
    )  # fmt: skip
    return t.Sam3VideoConfig(
        detector_config=detector, tracker_config=tracker, low_res_mask_size=4 * SIDE // 14,
        fill_hole_area=mend_area,
    )  # fmt: skip


def _vision():
    cells = SIDE // 14
    backbone = transformers.Sam3ViTConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        image_size=SIDE, patch_size=14, window_size=4, global_attn_indexes=[1],
        pretrain_image_size=56,
    )  # fmt: skip
    return transformers.Sam3VisionConfig(
        backbone_config=backbone,
        fpn_hidden_size=HIDDEN,
        backbone_feature_sizes=[[4 * cells] * 2, [2 * cells] * 2, [cells] * 2],
    )


def save_published_names(folder):
    """The same with the weights named as they are published.

    The library loads those; where it saves, it puts the tracker's prefix before them twice.
    """
    from safetensors.torch import save_file

    save_sam3_video(folder)
    state = tiny_sam3_video().state_dict()
    save_file({name: value.contiguous() for name, value in state.items()}, folder / WEIGHTS)
    return folder
