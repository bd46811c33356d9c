"""Meta's names of SAM's tensors, written down from Meta's modules."""

META = {
    "vision_encoder.layers.": "image_encoder.blocks.",
    "vision_encoder.": "image_encoder.",
    "patch_embed.projection": "patch_embed.proj",
    "neck.conv1": "neck.0",
    "neck.layer_norm1": "neck.1",
    "neck.conv2": "neck.2",
    "neck.layer_norm2": "neck.3",
    "mask_embed.conv1": "mask_downscaling.0",
    "mask_embed.layer_norm1": "mask_downscaling.1",
    "mask_embed.conv2": "mask_downscaling.3",
    "mask_embed.layer_norm2": "mask_downscaling.4",
    "mask_embed.conv3": "mask_downscaling.6",
    ".point_embed.": ".point_embeddings.",
    "shared_embedding.positional_embedding": "pe_layer.positional_encoding_gaussian_matrix",
    "upscale_conv1": "output_upscaling.0",
    "upscale_layer_norm": "output_upscaling.1",
    "upscale_conv2": "output_upscaling.3",
    "layer_norm_final_attn": "norm_final_attn",
    "layer_norm": "norm",
}


def meta_name(name):
    """transformers' name of a SAM tensor -> Meta's."""
    for ours, theirs in META.items():
        name = name.replace(ours, theirs)
    if "iou_prediction_head" in name or "hypernetworks" in name:
        name = (
            name.replace("layers.0.", "layers.1.")
            .replace("proj_in.", "layers.0.")
            .replace("proj_out.", "layers.2.")
        )
    return name
