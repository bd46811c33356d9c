"""Tiny SAMs with random weights as folders in hub layout."""

from pathlib import Path

from tiny_networks import perturb, torch, transformers

SAM_SIDE = 128


def save_sam(kind: str, folder: Path) -> Path:
    """`kind`: Sam, SamHQ or Sam2."""
    torch.manual_seed(1)
    config = _sam2_config() if kind == "Sam2" else _sam_config(kind)
    perturb(getattr(transformers, f"{kind}Model")(config), 0.15).save_pretrained(folder)
    return folder


def _sam_config(kind: str):
    vision = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": SAM_SIDE,
        "patch_size": 16,
        "output_channels": 32,
        "global_attn_indexes": [1],
        "window_size": 4,
        "mlp_dim": 64,
        "num_pos_feats": 16,
    }
    prompt = {"hidden_size": 32, "image_size": SAM_SIDE, "patch_size": 16, "mask_input_channels": 8}
    decoder = {"hidden_size": 32, "mlp_dim": 48, "iou_head_hidden_dim": 24}
    if kind == "SamHQ":
        decoder["vit_dim"] = 32
    t = transformers
    return getattr(t, f"{kind}Config")(
        vision_config=getattr(t, f"{kind}VisionConfig")(**vision),
        prompt_encoder_config=getattr(t, f"{kind}PromptEncoderConfig")(**prompt),
        mask_decoder_config=getattr(t, f"{kind}MaskDecoderConfig")(**decoder),
    )


def _sam2_config():
    t = transformers
    backbone = t.Sam2HieraDetConfig(
        hidden_size=16,
        image_size=[SAM_SIDE, SAM_SIDE],
        blocks_per_stage=[1, 2, 2, 1],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 2, 2, 4],
        window_size_per_stage=[8, 4, 8, 4],
        global_attention_blocks=[4],
        window_positional_embedding_background_size=[7, 7],
    )
    vision = {
        "backbone_config": backbone,
        "backbone_channel_list": [128, 64, 32, 16],
        "fpn_hidden_size": 32,
        "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
    }
    return t.Sam2Config(
        vision_config=t.Sam2VisionConfig(**vision),
        prompt_encoder_config=t.Sam2PromptEncoderConfig(
            hidden_size=32, image_size=SAM_SIDE, mask_input_channels=8
        ),
        mask_decoder_config=t.Sam2MaskDecoderConfig(
            hidden_size=32, mlp_dim=48, iou_head_hidden_dim=24
        ),
    )
