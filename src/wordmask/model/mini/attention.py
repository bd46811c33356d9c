"""Attention between a few tokens and the many cells of a map, made of few large products.

The usual form projects every cell to queries, keys and values. With about ten tokens it is cheaper
to project the tokens only: a score q . (W k) is (W^T q) . k, and a sum of projected values is the
projection of their sum. Both forms compute the same (`tests/model/mini/test_attention.py`).
"""

from torch import Tensor, nn

HEADS = 4
HIDDEN = 1e4  # subtracted from the score of a token that is padding


class TokenAttention(nn.Module):
    """Attention of several heads; its matrices are those of the usual form."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.width = dim // HEADS  # of one head

    def among_tokens(self, tokens: Tensor, hidden: Tensor) -> Tensor:
        """Tokens (N, T, C) read from each other; `hidden` (N, T) is True at padding."""
        q, k, v = (self._split(layer(tokens)) for layer in (self.q, self.k, self.v))
        scores = q @ k.transpose(-1, -2) * self.width**-0.5
        weights = (scores - hidden[:, None, None, :].to(scores.dtype) * HIDDEN).softmax(-1)
        return self._join(weights @ v)

    def read_cells(self, tokens: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Tokens (N, T, C) read from cells: keys and values (N, K, C)."""
        count = tokens.shape[1]
        q = self._split(self.q(tokens)) * self.width**-0.5
        # The bias of the keys adds the same to all scores of a token: a softmax leaves it out.
        queries = (q @ self._heads(self.k)).flatten(1, 2)
        weights = (queries @ keys.transpose(1, 2)).softmax(-1)
        sums = (weights @ values).unflatten(1, (HEADS, count))
        return self._join(sums @ self._heads(self.v).transpose(1, 2), self.v.bias)

    def read_tokens(self, cells: Tensor, tokens: Tensor, hidden: Tensor) -> Tensor:
        """Cells (N, K, C) read from tokens (N, T, C)."""
        count = tokens.shape[1]
        k = self.k(tokens) * self.width**-0.5
        keys = (self._split(k) @ self._heads(self.q)).flatten(1, 2)
        offset = self._split(k * self.q.bias).sum(3)
        offset = (offset - hidden[:, None, :].to(k.dtype) * HIDDEN).flatten(1)
        scores = cells @ keys.transpose(1, 2) + offset[:, None]
        weights = scores.unflatten(2, (HEADS, count)).softmax(-1).flatten(2)
        columns = self.out.weight.unflatten(1, (HEADS, self.width)).permute(1, 2, 0)
        values = self._split(self.v(tokens)) @ columns
        return weights @ values.flatten(1, 2) + self.out.bias

    def _split(self, x: Tensor) -> Tensor:
        """(N, T, C) to (N, heads, T, C / heads)."""
        return x.unflatten(2, (HEADS, self.width)).transpose(1, 2)

    def _join(self, x: Tensor, bias: Tensor | float = 0.0) -> Tensor:
        """(N, heads, T, C / heads), plus the bias of the values, to the layer's (N, T, C)."""
        joined: Tensor = self.out(x.transpose(1, 2).flatten(2) + bias)
        return joined

    def _heads(self, layer: nn.Linear) -> Tensor:
        """(heads, C / heads, C): the matrix of each head."""
        return layer.weight.unflatten(0, (HEADS, self.width))
