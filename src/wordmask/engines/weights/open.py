"""Weights from a checked folder or file into networks, with torch and transformers.

No network is used, no code from the folder is run, and pickles are read only if that was allowed.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import checks
from wordmask.errors import CapabilityError, Mend, WeightsError

log = logging.getLogger("wordmask.engines")

TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model")


@dataclass(frozen=True)
class HubFolder:
    """A checked folder in hub layout and what its config says."""

    path: Path
    config: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The `model_type`."""
        return str(self.config.get("model_type", ""))


def open_folder(path: Path, kinds: Mapping[str, str], engine: str) -> HubFolder:
    """The folder and its config, after a check that its `model_type` is one of `kinds`."""
    file = path / "config.json"
    if not file.is_file():
        raise WeightsError(
            f"{path} has no config.json; {engine} reads a folder as `save_pretrained` writes it"
        )
    try:
        config = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{file} is not JSON: {error_line(error)}") from None
    found = config.get("model_type") if isinstance(config, dict) else None
    if found not in kinds:
        raise WeightsError(
            f"{path} holds the architecture {found!r}, but {engine} reads "
            f"{', '.join(sorted(kinds))}; give its path as the model, without another name, "
            "and the right engine is found"
        )
    return HubFolder(path, config)


def load_model(folder: HubFolder, class_name: str, options: EngineOptions, **more: Any) -> Any:
    """The network of a checked folder, every one of its weights filled from the file."""
    kind = getattr(transformers, class_name, None)
    if kind is None:
        raise CapabilityError(
            f"transformers {transformers.__version__} has no {class_name}; "
            "install transformers>=5.20"
        )
    try:
        model, report = from_pretrained(
            kind, folder.path, options, output_loading_info=True, **more
        )
    except ImportError as error:
        # timm, torchvision: transformers says which only when the class is built.
        raise CapabilityError(
            f"{class_name} needs a library that is not installed: {error_line(error)}. "
            "sam2.1-tiny cuts without it (and gdino-tiny finds words)"
        ) from None
    missing = sorted(report["missing_keys"])
    if missing:
        raise WeightsError(
            f"{folder.path} lacks {len(missing)} of the weights of {class_name} "
            f"({missing[0]}, ...); it is another architecture or a part of one",
            mend=Mend("checkpoint", "FOLDER"),
        )
    return model


def load_tokenizer(path: Path) -> Any:
    """The tokenizer in the folder. (transformers makes an empty one if the files are missing.)"""
    if not any((path / name).is_file() for name in TOKENIZERS):
        raise WeightsError(
            f"{path} has no tokenizer ({', '.join(TOKENIZERS)}); fetch the whole folder"
        )
    try:
        return transformers.AutoTokenizer.from_pretrained(
            str(path), local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, ImportError, TypeError) as error:
        raise WeightsError(
            f"{path} has no tokenizer that loads ({error_line(error)}); fetch the whole folder"
        ) from None


def from_pretrained(kind: Any, path: Path, options: EngineOptions, **more: Any) -> Any:
    """`kind.from_pretrained` from a local folder."""
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
    log.warning("%s is a pickle; reading tensors only (weights_only=True)", path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # UnpicklingError, RuntimeError, EOFError, ... on bad files
        raise WeightsError(
            f"{path} holds more than tensors, or is cut: {str(error).strip().splitlines()[0]}"
        ) from None
    if isinstance(state, dict):
        state = state.get("model", state.get("state_dict", state))
    if not isinstance(state, dict) or not all(map(torch.is_tensor, state.values())):
        raise WeightsError(f"{path} holds no table of named tensors")
    return state


def error_line(error: BaseException) -> str:
    """An error's text in one line of at most 300 characters."""
    text = " ".join(str(error).split())
    return text[:300] or type(error).__name__
