"""The one table of known engines, and how their weights come to this machine.

A row says where the weights lie, under which licence, and what they need. `folder` is what engines call:
it gives a checked local folder (or file) for a row's name, a path, or `hub:owner/name@revision`.
"""

import hashlib
import json
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import checks, fetch
from wordmask.errors import WeightsError, did_you_mean

log = logging.getLogger("wordmask.engines")

SEGMENTER, NAMER, DETECTOR = ("Segmenter",), ("Dense", "Embedder"), ("Detector",)
APACHE, MIT = "Apache-2.0", "MIT"


@dataclass(frozen=True)
class Row:
    """One engine that can be asked for by name."""

    name: str
    factory: str  # "module:function", called with (name, EngineOptions)
    source: str  # "shipped", "weightless" or "hub:owner/name"
    protocols: tuple[str, ...]
    licence: str
    revision: str | None = (
        None  # commit on the hub; None: not pinned, which is said when it is fetched
    )
    sha256: str | None = None  # of model.safetensors
    nbytes: int | None = None  # of model.safetensors
    input_side: int | None = None  # pixels
    extra: str | None = None  # what `pip install 'wordmask[...]'` must bring
    gated: bool = False  # the owner asks for an agreement before the download

    @property
    def page(self) -> str:
        """Where a person can read about the weights."""
        return f"https://huggingface.co/{self.source[4:]}" if self.source.startswith("hub:") else ""


def _hub(
    names: dict[str, str], module: str, protocols: tuple[str, ...], side: int | None, **more: Any
) -> list[Row]:
    """Rows that differ only in name and hub source."""
    settings: dict[str, Any] = {"licence": APACHE, "extra": "hf", "input_side": side} | more
    return [
        Row(name, f"wordmask.engines.{module}:load", f"hub:{source}", protocols, **settings)
        for name, source in names.items()
    ]


_EVERYTHING = (*SEGMENTER, *NAMER, *DETECTOR, "DepthModel", "Inpainter")
_SAM = {
    "sam-b": "facebook/sam-vit-base",
    "sam-l": "facebook/sam-vit-large",
    "sam-h": "facebook/sam-vit-huge",
    "sam-hq-b": "syscv-community/sam-hq-vit-base",
    "sam-hq-l": "syscv-community/sam-hq-vit-large",
    "sam-hq-h": "syscv-community/sam-hq-vit-huge",
    "sam2-tiny": "facebook/sam2-hiera-tiny",
    "sam2-small": "facebook/sam2-hiera-small",
    "sam2-base-plus": "facebook/sam2-hiera-base-plus",
    "sam2-large": "facebook/sam2-hiera-large",
    "sam2.1-tiny": "facebook/sam2.1-hiera-tiny",
    "sam2.1-small": "facebook/sam2.1-hiera-small",
    "sam2.1-base-plus": "facebook/sam2.1-hiera-base-plus",
    "sam2.1-large": "facebook/sam2.1-hiera-large",
    "edgetam": "yonigozlan/EdgeTAM-hf",
}
_CLIP = {
    "clip-b32": "openai/clip-vit-base-patch32",
    "clip-b16": "openai/clip-vit-base-patch16",
    "clip-l14": "openai/clip-vit-large-patch14",
    "openclip-b16": "laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
    "openclip-l14": "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
}
_SIGLIP_384 = {
    "siglip2-l16-384": "google/siglip2-large-patch16-384",
    "siglip2-so400m-384": "google/siglip2-so400m-patch14-384",
}
_TIPS = {
    "tipsv2-b14": "google/tipsv2-b14",
    "tipsv2-l14": "google/tipsv2-l14",
    "tipsv2-g14": "google/tipsv2-g14",
}
_PAINTER = ("Inpainter",)
_SD = {"sd1.5-inpaint": "stable-diffusion-v1-5/stable-diffusion-inpainting"}
_SDXL = {"sdxl-inpaint": "diffusers/stable-diffusion-xl-1.0-inpainting-0.1"}
_FLUX = {"flux-fill": "black-forest-labs/FLUX.1-Fill-dev"}
_DINO = {
    "gdino-tiny": "IDEA-Research/grounding-dino-tiny",
    "gdino-base": "IDEA-Research/grounding-dino-base",
    "mm-gdino-tiny": "openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det",
    "mm-gdino-base": "openmmlab-community/mm_grounding_dino_base_all",
    "mm-gdino-large": "openmmlab-community/mm_grounding_dino_large_all",
}

ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        Row("fake", "wordmask.engines.fake:load", "weightless", _EVERYTHING, APACHE),
        Row("mini", "wordmask.engines.mini.engine:load", "shipped", (*SEGMENTER, *NAMER), APACHE),
        *_hub(_SAM, "sam", SEGMENTER, 1024),
        *_hub({"sam3": "facebook/sam3"}, "sam3", DETECTOR, 1008, licence="SAM License", gated=True),
        *_hub(
            {"sam3-litetext": "yonigozlan/sam3-litetext-s0"},
            "sam3",
            DETECTOR,
            1008,
            licence="SAM License",
        ),
        *_hub(_CLIP, "clip", NAMER, 224, licence=MIT),
        *_hub(
            {"clip-l14-336": "openai/clip-vit-large-patch14-336"}, "clip", NAMER, 336, licence=MIT
        ),
        *_hub({"siglip2-b16": "google/siglip2-base-patch16-224"}, "clip", NAMER, 224),
        *_hub({"siglip2-b16-512": "google/siglip2-base-patch16-512"}, "clip", NAMER, 512),
        *_hub(_SIGLIP_384, "clip", NAMER, 384),
        *_hub(_TIPS, "clip", NAMER, 448),
        *_hub(_DINO, "detector", DETECTOR, 800),
        *_hub({"owlv2-base": "google/owlv2-base-patch16-ensemble"}, "detector", DETECTOR, 960),
        *_hub({"owlv2-large": "google/owlv2-large-patch14-ensemble"}, "detector", DETECTOR, 1008),
        *(
            Row(name, "wordmask.engines.inpaint:load", "weightless", _PAINTER, APACHE)
            for name in ("patch", "telea", "navier-stokes")
        ),
        *_hub(_SD, "inpaint", _PAINTER, 512, licence="CreativeML OpenRAIL-M", extra="edit"),
        *_hub(_SDXL, "inpaint", _PAINTER, 1024, licence="CreativeML OpenRAIL++-M", extra="edit"),
        *_hub(
            _FLUX,
            "inpaint",
            _PAINTER,
            1024,
            licence="FLUX.1 [dev] Non-Commercial",
            extra="edit",
            gated=True,
        ),
    )
}

# The module that reads a folder in hub layout, by the `model_type` in its config.json.
_MODULES = {
    "sam": "sam", "sam_hq": "sam", "sam2": "sam", "sam2_video": "sam", "edgetam": "sam", "edgetam_video": "sam",
    "sam3": "sam3", "sam3_video": "sam3", "sam3_lite_text": "sam3",
    "clip": "clip", "metaclip_2": "clip", "siglip": "clip", "siglip2": "clip", "tipsv2": "clip",
    "grounding-dino": "detector", "mm-grounding-dino": "detector", "owlv2": "detector", "owlvit": "detector",
}  # fmt: skip
# A weights file without a config: Meta's own checkpoints of SAM.
_BARE = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")


def home() -> Path:
    """Where downloads are kept: $WORDMASK_HOME, else the platform's cache folder."""
    if os.environ.get("WORDMASK_HOME"):
        return Path(os.environ["WORDMASK_HOME"]).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "wordmask"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/wordmask"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wordmask"


def looks_local(text: str) -> bool:
    """Whether a model name is rather a path: it has a separator, or something lies there."""
    return not text.startswith("hub:") and (
        any(sign in text for sign in "/\\~") or text.startswith(".") or Path(text).exists()
    )


def folder(name: str, options: EngineOptions) -> Path:
    """The local weights of `name`, checked: a row's name, a path, or `hub:owner/name@revision`.

    `options.checkpoint` wins over all of these.
    """
    if options.checkpoint is not None or looks_local(name):
        path = Path(options.checkpoint if options.checkpoint is not None else name).expanduser()
        checks.check(path, allow_pickle=options.allow_pickle)
        return path
    row = ROWS.get(name) or Row(name, "", name, (), "unknown")
    if not row.source.startswith("hub:"):
        raise WeightsError(
            f"{name} has no weights to download; a name, a path or hub:owner/name has"
        )
    repository, _, revision = row.source[4:].partition("@")
    path = fetch.snapshot(
        repository,
        fetch.Plan(
            home(), revision or row.revision, options.offline, options.allow_pickle, row.gated
        ),
    )
    if row.sha256:
        fetch.verify(path / "model.safetensors", row.sha256)
    checks.check(path, allow_pickle=options.allow_pickle)
    return path


def cached(row: Row) -> bool | None:
    """Whether the row's weights are on this machine; None where the engine needs none."""
    if row.source == "weightless":
        return None
    if row.source == "shipped":
        return bool(shipped())
    return fetch.newest(home(), row.source[4:], row.revision) is not None


def shipped() -> list[Path]:
    """The weight files of `mini` that lie in the package."""
    folder = Path(__file__).parents[1] / "mini/files"
    return sorted(folder.glob("*.onnx")) if (folder / "mini.json").is_file() else []


def module_of(path: Path) -> str:
    """The factory that can load what lies at a path: told by config.json, or by the file's kind."""
    if not path.exists():
        raise WeightsError(
            f"there is nothing at {path}; give a folder in hub layout or a weights file"
        )
    if path.is_file() and path.suffix in _BARE:
        return "wordmask.engines.sam:load"
    config = path / "config.json"
    if (path / "model_index.json").is_file() or (path.is_file() and path.suffix == ".onnx"):
        return "wordmask.engines.inpaint:load"
    if not config.is_file():
        if (path / "mini.json").is_file():
            return "wordmask.engines.mini.engine:load"
        raise WeightsError(
            f"{path} has no config.json, so its kind is unknown; give a folder as `save_pretrained` writes it"
        )
    kind = _model_type(config)
    if kind not in _MODULES:
        raise WeightsError(
            f"{config} says model_type {kind!r}, which no engine reads.{did_you_mean(kind, _MODULES)}"
        )
    return f"wordmask.engines.{_MODULES[kind]}:load"


def _model_type(config: Path) -> str:
    try:
        settings = json.loads(config.read_text("utf-8"))
        return str(settings["model_type"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsError(
            f"{config} is not a model's config: {type(error).__name__} {error}"
        ) from None


def stamp(name: str, path: Path) -> str:
    """`name@sha256:1f3c5d7e9a0b` of the weight files at `path`, for `made_by`."""
    files = (
        [path]
        if path.is_file()
        else sorted(
            file for file in path.rglob("*") if file.suffix in (".safetensors", ".onnx", *_BARE)
        )
    )
    total = hashlib.sha256()
    for file in files:
        total.update(fetch.digest(file).encode())
    return f"{name}@sha256:{total.hexdigest()[:12]}"


def pretrained(kind: Any, path: Path, options: EngineOptions, **more: Any) -> Any:
    """`kind.from_pretrained` from a local folder: no network, no code from the folder, no pickle unless allowed."""
    try:
        return kind.from_pretrained(
            str(path),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=None if options.allow_pickle else True,
            **more,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise WeightsError(
            f"{path} does not load as {kind.__name__}: {str(error).strip().splitlines()[0]}"
        ) from error


def read_state(path: Path, options: EngineOptions) -> dict[str, Any]:
    """The named tensors of one weights file, on the CPU."""
    checks.check(path, allow_pickle=options.allow_pickle)
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(str(path)))
    import torch

    log.warning("%s is a pickle; reading tensors only (weights_only=True)", path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (
        Exception
    ) as error:  # torch raises UnpicklingError, RuntimeError, EOFError, ... on bad files
        raise WeightsError(
            f"{path} holds more than tensors, or is cut: {str(error).strip().splitlines()[0]}"
        ) from None
    state = state.get("model", state.get("state_dict", state)) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(
        isinstance(value, torch.Tensor) for value in state.values()
    ):
        raise WeightsError(f"{path} holds no table of named tensors")
    return state
