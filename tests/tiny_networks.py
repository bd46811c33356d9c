"""Tiny networks with random weights. Without torch, a test file that imports this is skipped."""

import numpy as np
import pytest

from wordmask.core.image import Image
from wordmask.engines.options import EngineOptions

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'wordmask[hf]'")
transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: pip install 'wordmask[hf]'"
)

CPU = EngineOptions(device="cpu", offline=True)
CLIP_KINDS = ("clip", "siglip", "tipsv2")
WIDTH, HEADS, PATCH, SIDE = 32, 2, 8, 32  # of the tiny CLIPs


def picture(height: int = 60, width: int = 80, seed: int = 0) -> Image:
    """Noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image(pixels)


def perturb(model, size):
    """Every weight moved by about `size`: some fresh networks answer the same to everything."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(size * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def letter_tokenizer(**more):
    """CLIP's, which knows single letters only; the ends of a text are tokens 188 and 189."""
    letters = [chr(code) for code in range(33, 127)]
    tokens = [*letters, *(letter + "</w>" for letter in letters)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=[], **more)


def clip_tokenizer(kind):
    if kind == "clip":
        return letter_tokenizer(model_max_length=77)
    tokens = ["<pad>", "<unk>", "▁", *(chr(code) for code in range(33, 127))]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return transformers.Tipsv2Tokenizer(vocab=vocabulary, merges=[], model_max_length=64)


def tiny_clip(kind):
    """One of `CLIP_KINDS`."""
    t = transformers
    torch.manual_seed(3)
    shape = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": HEADS}
    vision = shape | {"image_size": SIDE, "patch_size": PATCH, "intermediate_size": 48}
    text = shape | {"intermediate_size": 48, "vocab_size": 200, "max_position_embeddings": 64}
    if kind == "clip":
        text |= {"bos_token_id": 188, "eos_token_id": 189, "max_position_embeddings": 77}
        config = t.CLIPConfig(vision_config=vision, text_config=text, projection_dim=24)
        return perturb(t.CLIPModel(config), 0.1)
    if kind == "siglip":
        model = t.SiglipModel(t.SiglipConfig(vision_config=vision, text_config=text))
        return perturb(model, 0.1)
    vision.pop("intermediate_size")
    model = t.Tipsv2Model(t.Tipsv2Config(vision_config=vision, text_config=text))
    return perturb(model, 0.1)


def save_clip(kind, folder):
    """A folder in hub layout."""
    tiny_clip(kind).save_pretrained(folder)
    clip_tokenizer(kind).save_pretrained(folder)
    return folder
