"""CLIP, SigLIP and TIPSv2 against transformers, each dense mode against loops from the papers."""

import numpy as np
import pytest

from seeing import see
from tiny_networks import (
    CLIP_KINDS,
    HEADS,
    SIDE,
    WIDTH,
    perturb,
    picture,
    save_clip,
    tiny_clip,
    torch,
    transformers,
)
from wordmask.core.masks import Masks
from wordmask.engines import clip
from wordmask.engines.hub import clusters, windows
from wordmask.engines.hub.attention import WindowContext, guided_weights
from wordmask.engines.options import EngineOptions


def tiny_dino(kind):
    torch.manual_seed(4)
    shape = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28}
    if kind == "dinov2":
        return perturb(
            transformers.Dinov2Model(transformers.Dinov2Config(patch_size=7, **shape)), 0.1
        )
    config = transformers.DINOv3ViTConfig(patch_size=8, num_register_tokens=2, **shape)
    return perturb(transformers.DINOv3ViTModel(config), 0.1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for kind in (*CLIP_KINDS, "dinov2", "dinov3"):
        made[kind] = tmp_path_factory.mktemp(kind)
        if kind in CLIP_KINDS:
            save_clip(kind, made[kind])
        else:
            tiny_dino(kind).save_pretrained(made[kind])
    return made


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORDMASK_HOME", str(tmp_path / "home"))


def load(folders, kind="clip", **options):
    return clip.load(str(folders[kind]), EngineOptions(device="cpu", offline=True, **options))


# ---- the modes


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def reference(mode, model, pixels, grid, similarity=None, clusters=None):
    """One window's patches in the words' space, head by head and row by row, in float64."""
    model = model.double()
    with torch.no_grad():
        vision = model.vision_model(pixel_values=pixels[None].double(), output_hidden_states=True)
    x = vision.hidden_states[1][0].numpy()  # enters the second, last block
    block = model.vision_model.encoder.layers[-1]
    w = {name: value.numpy() for name, value in block.state_dict().items()}

    def linear(name, rows):
        return rows @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(name, rows):
        centred = rows - rows.mean(-1, keepdims=True)
        return (
            centred / np.sqrt(rows.var(-1, keepdims=True) + 1e-5) * w[f"{name}.weight"]
            + w[f"{name}.bias"]
        )

    y = norm("layer_norm1", x)
    q, k, v = (linear(f"self_attn.{name}_proj", y) for name in "qkv")
    size, outs = WIDTH // HEADS, []
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        qh, kh, vh = q[:, part], k[:, part], v[:, part]
        root = np.sqrt(size)
        if mode == "clip":
            outs.append(softmax(qh @ kh.T / root) @ vh)
        elif mode == "sclip":
            outs.append((softmax(qh @ qh.T / root) + softmax(kh @ kh.T / root)) @ vh)
        elif mode == "clearclip":
            outs.append(softmax(qh @ qh.T / root) @ vh)
        elif mode == "naclip":
            prior = np.zeros((len(x), len(x)))
            for i in range(grid[0] * grid[1]):
                for j in range(grid[0] * grid[1]):
                    (yi, xi), (yj, xj) = divmod(i, grid[1]), divmod(j, grid[1])
                    prior[i + 1, j + 1] = np.exp(-((yi - yj) ** 2 + (xi - xj) ** 2) / (2 * 5.0**2))
            outs.append(softmax(kh @ kh.T / root + prior) @ vh)
        else:
            scores = (similarity - 1.2 * similarity.mean()) * 3
            for i in range(len(scores)):
                for j in range(len(scores)):
                    apart = scores[i, j] < 0 if mode == "proxyclip" else clusters[i] != clusters[j]
                    if apart and i != j:
                        scores[i, j] = -np.inf
            outs.append(softmax(scores) @ vh[1:])
    out = linear("self_attn.out_proj", np.concatenate(outs, 1))
    if mode in ("clip", "sclip"):
        x = x + out
        hidden = linear("mlp.fc1", norm("layer_norm2", x))
        out = x + linear("mlp.fc2", hidden / (1 + np.exp(-1.702 * hidden)))
    w = {
        name: value.numpy()
        for name, value in model.vision_model.state_dict().items()
        if "post" in name
    }
    rows = norm("post_layernorm", out) @ model.visual_projection.weight.detach().numpy().T
    rows = rows[-grid[0] * grid[1] :]
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("mode", ["clip", "sclip", "clearclip", "naclip"])
def test_a_mode_is_what_its_paper_says(mode, folders):
    engine = load(folders, dense_mode=mode, input_side=SIDE)
    found = engine.features(see(engine, picture(SIDE, SIDE)))
    pixels = clip.towers.pixels_of(engine.tower, picture(SIDE, SIDE), (SIDE, SIDE))
    expected = reference(mode, tiny_clip("clip"), pixels, (4, 4))
    assert found.vectors.shape == (4, 4, 24)
    assert np.abs(found.vectors.reshape(16, 24) - expected).max() < 1e-4


@pytest.mark.parametrize("kind", ["dinov2", "dinov3"])
@pytest.mark.parametrize("mode", ["proxyclip", "corrclip"])
def test_a_guided_mode_is_what_its_paper_says(mode, kind, folders):
    engine = load(folders, dense_mode=mode, input_side=SIDE, proxy=folders[kind])
    image = picture(SIDE, SIDE)
    left = np.zeros((SIDE, SIDE), bool)
    left[:, : SIDE // 2] = True
    masks = [Masks.from_dense(np.stack([left, ~left]))]
    found = engine.features(see(engine, image), masks[0] if mode == "corrclip" else None)
    raw = torch.from_numpy(image.pixels.astype(np.float32) / 255).permute(2, 0, 1)
    eyes = engine.proxy.features(raw[None], (4, 4))[0].numpy().astype(np.float64)
    unit = eyes / np.linalg.norm(eyes, axis=1, keepdims=True)
    groups = clusters.cluster_map(masks[0], (4, 4), eyes.reshape(4, 4, -1)).ravel()
    pixels = clip.towers.pixels_of(engine.tower, image, (SIDE, SIDE))
    expected = reference(mode, tiny_clip("clip"), pixels, (4, 4), unit @ unit.T, groups)
    assert np.abs(found.vectors.reshape(16, 24) - expected).max() < 1e-4


def test_dinos_features_are_its_patches_without_class_and_registers(folders):
    engine = load(folders, proxy=folders["dinov3"])
    pixels = torch.rand(1, 3, 16, 24)
    found = engine.proxy.features(pixels, (2, 3))
    ready = clip.normalise(pixels, engine.proxy.statistics)
    with torch.no_grad():
        expected = tiny_dino("dinov3")(pixel_values=ready).last_hidden_state[:, 3:]
    assert engine.mode == "proxyclip"
    assert (found - expected).abs().max() < 1e-5


def test_patches_of_one_cluster_do_not_see_the_others():
    grid, value = (1, 4), torch.randn(1, 2, 4, 8, generator=torch.Generator().manual_seed(0))
    groups = torch.tensor([[0, 0, 1, 1]])
    weights = guided_weights("corrclip", WindowContext(grid, 1, None, groups), value)
    assert (weights[0, 0, :2, 2:] == 0).all()
    assert torch.allclose(weights.sum(-1), torch.ones(1, 1, 4))


def test_a_uniform_window_still_has_an_answer():
    weights = guided_weights(
        "proxyclip", WindowContext((2, 2), 1, torch.ones(1, 4, 5)), torch.ones(1, 1, 4, 5)
    )
    assert torch.isfinite(weights).all()


def test_plain_siglip_sends_each_patch_through_the_pooling_head(folders):
    engine = load(folders, "siglip")
    found = engine.features(see(engine, picture(SIDE, SIDE)))
    model = tiny_clip("siglip")
    pixels = clip.towers.pixels_of(engine.tower, picture(SIDE, SIDE), (SIDE, SIDE))[None]
    with torch.no_grad():
        tokens = model.vision_model(pixel_values=pixels).last_hidden_state[0]
        expected = torch.nn.functional.normalize(model.vision_model.head(tokens[:, None]), dim=-1)
    assert engine.mode == "plain"
    assert np.abs(found.vectors.reshape(16, -1) - expected.numpy()).max() < 1e-5


def test_plain_tips_is_the_patches_as_they_are(folders):
    engine = load(folders, "tipsv2")
    found = engine.features(see(engine, picture(SIDE, 2 * SIDE)))
    model = tiny_clip("tipsv2")
    pixels = clip.towers.pixels_of(engine.tower, picture(SIDE, 2 * SIDE), (SIDE, 2 * SIDE))[None]
    with torch.no_grad():
        expected = torch.nn.functional.normalize(
            model.vision_model(pixel_values=pixels).last_hidden_state[0, 2:], dim=-1
        )
    assert found.vectors.shape[:2] == (4, 8)
    assert np.abs(found.vectors.reshape(32, -1) - expected.numpy()).max() < 1e-5


@pytest.mark.parametrize("kind", CLIP_KINDS)
def test_untouched_blocks_are_transformers_own(kind, folders):
    """The mode that changes nothing gives what the library's own forward gives."""
    engine = load(folders, kind, dense_mode="plain", input_side=SIDE)
    model, found = tiny_clip(kind), engine.features(see(engine, picture(SIDE, SIDE)))
    pixels = clip.towers.pixels_of(engine.tower, picture(SIDE, SIDE), (SIDE, SIDE))[None]
    with torch.no_grad():
        tokens = model.vision_model(pixel_values=pixels).last_hidden_state[0, engine.tower.prefix :]
        if kind == "clip":
            tokens = model.visual_projection(model.vision_model.post_layernorm(tokens))
        if kind == "siglip":
            tokens = model.vision_model.head(tokens[:, None])
    expected = torch.nn.functional.normalize(tokens, dim=-1).numpy()
    assert np.abs(found.vectors.reshape(16, -1) - expected).max() < 1e-5


# ---- windows


@pytest.mark.parametrize("mode", ["plain", "clip", "naclip", "proxyclip", "corrclip"])
def test_three_pictures_of_odd_sizes_are_three_single_runs(mode, folders):
    engine = load(folders, dense_mode=mode, proxy=folders["dinov2"])
    engine.windows_at_a_time = 4  # so that a batch holds windows of two pictures
    images = [picture(50, 77, 1), picture(90, 31, 2), picture(40, 40, 3)]
    masks = [Masks.from_dense(np.eye(*image.size, dtype=bool)[None]) for image in images]
    given = masks if mode == "corrclip" else [None] * 3
    for image, mask, seen in zip(images, given, engine.encode(images), strict=True):
        found = engine.features(seen, mask)
        alone = engine.features(see(engine, image), mask)
        assert found.size == image.size
        assert found.vectors.shape == alone.vectors.shape
        assert np.abs(found.vectors - alone.vectors).max() < 1e-5
        assert np.linalg.norm(found.vectors, axis=-1) == pytest.approx(1, abs=1e-5)


def test_windows_are_averaged_like_the_logits_of_each(folders):
    """By hand: sum and count over the grid, for a picture whose last window is off the stride."""
    engine = load(folders, dense_mode="clip", input_side=40)
    image = picture(40, 56, 5)  # 5 x 7 patches; windows of 4 start at 0, 1 and 0, 2, 3
    found = engine.features(see(engine, image))
    plan = windows.layout(image.size, 5, 4, 2)
    pixels = clip.towers.pixels_of(engine.tower, image, (40, 56))
    words = np.random.default_rng(0).normal(size=(3, 24))
    logits, counts = np.zeros((5, 7, 3)), np.zeros((5, 7, 1))
    for row, column in plan.corners:
        part = pixels[:, row * 8 : row * 8 + 32, column * 8 : column * 8 + 32]
        logits[row : row + 4, column : column + 4] += (
            reference("clip", tiny_clip("clip"), part, (4, 4)).reshape(4, 4, -1) @ words.T
        )
        counts[row : row + 4, column : column + 4] += 1
    assert plan.corners == ((0, 0), (0, 2), (0, 3), (1, 0), (1, 2), (1, 3))
    mean = logits / counts
    ours = found.vectors @ words.T
    ratio = ours / mean  # one factor per cell, since our vectors are scaled back to length 1
    assert np.abs(ratio / ratio[..., :1] - 1).max() < 1e-3
    assert (ours.argmax(-1) == mean.argmax(-1)).all()


@pytest.mark.parametrize("size", [(10, 10), (480, 640), (31, 997), (2000, 3), (1, 1)])
def test_windows_cover_every_patch(size):
    plan = windows.layout(size, 6, 4, 2)
    seen = np.zeros(plan.grid, int)
    for row, column in plan.corners:
        seen[row : row + plan.window[0], column : column + plan.window[1]] += 1
        assert row + plan.window[0] <= plan.grid[0]
        assert column + plan.window[1] <= plan.grid[1]
    assert (seen > 0).all()
    assert min(plan.grid) == 6
    assert max(plan.grid) <= 24
