"""Attention without projected cells computes what the usual form does."""

import pytest

torch = pytest.importorskip(
    "torch", reason="the network needs torch: pip install 'wordmask[train]'"
)

from wordmask.model.mini.attention import HEADS, TokenAttention  # noqa: E402

DIM = 32


@pytest.fixture(scope="module")
def layer():
    torch.manual_seed(0)
    return TokenAttention(DIM)


def usual(layer, query, key, value, hidden=None):
    """softmax(Q K^T / sqrt d) V, head by head, from projected queries, keys and values."""

    def split(x):
        return x.unflatten(2, (HEADS, DIM // HEADS)).transpose(1, 2)

    q, k, v = split(layer.q(query)), split(layer.k(key)), split(layer.v(value))
    scores = q @ k.transpose(-1, -2) / (DIM // HEADS) ** 0.5
    if hidden is not None:
        scores = scores.masked_fill(hidden[:, None, None], -1e4)
    return layer.out((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


@pytest.fixture
def tokens():
    return torch.randn(3, 9, DIM)


@pytest.fixture
def cells():
    return torch.randn(3, 50, DIM)


@pytest.fixture
def hidden():
    padding = torch.rand(3, 9) < 0.3
    padding[:, 0] = False
    return padding


def test_tokens_read_from_cells(layer, tokens, cells):
    keys = cells + torch.randn(1, 50, DIM)
    wanted = usual(layer, tokens, keys, cells)
    torch.testing.assert_close(layer.read_cells(tokens, keys, cells), wanted, atol=1e-5, rtol=1e-4)


def test_cells_read_from_the_tokens_that_are_not_padding(layer, tokens, cells, hidden):
    wanted = usual(layer, cells, tokens, tokens, hidden)
    found = layer.read_tokens(cells, tokens, hidden)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)


def test_tokens_read_from_each_other(layer, tokens, hidden):
    wanted = usual(layer, tokens, tokens, tokens, hidden)
    found = layer.among_tokens(tokens, hidden)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
