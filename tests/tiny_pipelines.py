"""Tiny diffusion pipelines. Without diffusers, a test file that imports this is skipped."""

import json

import pytest
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

from tiny_networks import torch

diffusers = pytest.importorskip("diffusers", reason="diffusion needs the extra edit")


def tokenizer(folder):
    """CLIP's, with single letters only."""
    letters = [chr(code) for code in range(97, 123)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(letter + "</w>" for letter in letters)]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(
        json.dumps({word: number for number, word in enumerate(words)})
    )
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(
        vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=16
    )


def text_config(**more):
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 37,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
    }
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    return CLIPTextConfig(vocab_size=64, max_position_embeddings=16, **sizes, **ends, **more)


def networks(**unet):
    torch.manual_seed(0)
    blocks = {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }
    return {
        "unet": diffusers.UNet2DConditionModel(
            sample_size=16,
            layers_per_block=1,
            block_out_channels=(32, 64),
            in_channels=9,
            out_channels=4,
            **blocks,
            **unet,
        ),
        "vae": diffusers.AutoencoderKL(
            block_out_channels=[32, 32, 32, 32],
            down_block_types=["DownEncoderBlock2D"] * 4,
            up_block_types=["UpDecoderBlock2D"] * 4,
            latent_channels=4,
        ),
        "scheduler": diffusers.DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            clip_sample=False,
            steps_offset=1,
        ),
    }


def save_sd(folder):
    """A Stable Diffusion inpainting pipeline."""
    parts = networks(cross_attention_dim=32)
    encoder = CLIPTextModel(text_config())
    pipe = diffusers.StableDiffusionInpaintPipeline(
        **parts, text_encoder=encoder, tokenizer=tokenizer(folder / "words"), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipe.save_pretrained(folder / "pipe")
    return folder / "pipe"


def save_sdxl(folder):
    """A Stable Diffusion XL inpainting pipeline."""
    parts = networks(
        cross_attention_dim=64, attention_head_dim=(2, 4), use_linear_projection=True,
        addition_embed_type="text_time", addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2), projection_class_embeddings_input_dim=80,
    )  # fmt: skip
    config = text_config(projection_dim=32, hidden_act="gelu")
    pipe = diffusers.StableDiffusionXLInpaintPipeline(
        **parts,
        text_encoder=CLIPTextModel(config),
        text_encoder_2=CLIPTextModelWithProjection(config),
        tokenizer=tokenizer(folder / "one"),
        tokenizer_2=tokenizer(folder / "two"),
    )
    pipe.save_pretrained(folder / "pipe")
    return folder / "pipe"
