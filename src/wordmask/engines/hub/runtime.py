"""Where and how a network runs: device, number format, memory budget, compiling; and how it is loaded.

torch and transformers are imported on first use, so that naming an engine costs nothing.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from wordmask.core.image import Image
from wordmask.engines.options import EngineOptions, parse_bytes
from wordmask.engines.weights import home as weights
from wordmask.errors import CapabilityError, OptionError, WeightsError, missing_extra

log = logging.getLogger("wordmask.engines")

CPU_BUDGET = 4_000_000_000  # bytes of activations where nobody says
GPU_SHARE = (
    0.6  # of the free memory; the rest is for the weights of a second engine and for fragmentation
)

TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model")

Item = TypeVar("Item")
Statistics = tuple[Sequence[float], Sequence[float]]  # mean and standard deviation per channel


@dataclass(frozen=True)
class Runtime:
    """The answer to `EngineOptions`: what torch is told."""

    device: Any  # torch.device
    dtype: Any  # torch.dtype of the large networks; prompts and position codes stay fp32
    budget: int  # bytes that activations may take
    offload: bool  # encodings wait in host memory
    compiled: bool

    def rows(self, nbytes: int, most: int) -> int:
        """How many items of `nbytes` of activations (in fp32) fit the budget: 1 to `most`."""
        size = nbytes if self.dtype.itemsize == 4 else nbytes // 2
        return max(1, min(most, self.budget // max(1, size)))

    def prepare(self, module: Any) -> Any:
        """The module on its device, in its number format, for inference only."""
        return module.to(self.device, self.dtype).eval().requires_grad_(False)

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function compiled if that was asked for."""
        return Compiled(function, torch().compile) if self.compiled else function


class Compiled:
    """A compiled function that goes back to the plain one, for good and with one warning, where compiling fails."""

    def __init__(self, function: Callable[..., Any], compiler: Callable[..., Any]) -> None:
        self._plain = function
        self._fast: Callable[..., Any] | None = compiler(function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._fast is not None:
            try:
                return self._fast(*args, **kwargs)
            except (
                Exception
            ) as error:  # the compilers raise anything, from ImportError to their own classes
                log.warning(
                    "torch.compile failed (%s: %s); going on without it",
                    type(error).__name__,
                    _line(error),
                )
                self._fast = None
        return self._plain(*args, **kwargs)


def torch() -> Any:
    """The torch module, or an error that says how to get it."""
    return _module("torch")


def transformers() -> Any:
    """The transformers module, or an error that says how to get it."""
    torch()
    return _module("transformers")


def inference() -> AbstractContextManager[Any]:
    """No gradients. (`inference_mode` would make tensors that a later training step cannot use.)"""
    context: AbstractContextManager[Any] = torch().no_grad()
    return context


def runtime(options: EngineOptions) -> Runtime:
    """Choose device and number format, and count the memory."""
    device = _device(options.device)
    offload = options.max_memory is not None and device.type != "cpu"
    return Runtime(
        device, _dtype(options.dtype, device), _budget(options, device), offload, options.compile
    )


def _device(wanted: str) -> Any:
    t = torch()
    there = {"cuda": t.cuda.is_available(), "mps": t.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        wanted = next(kind for kind, present in there.items() if present)
    if not there[wanted.split(":")[0]]:
        found = ", ".join(kind for kind, present in there.items() if present)
        raise OptionError(
            f"device {wanted} is not on this machine; torch {t.__version__} sees {found}"
        )
    return t.device(wanted)


def _dtype(wanted: str, device: Any) -> Any:
    t = torch()
    if wanted == "auto":
        if device.type == "cuda":
            return t.bfloat16 if t.cuda.is_bf16_supported() else t.float16
        return t.float16 if device.type == "mps" else t.float32
    return {"fp32": t.float32, "fp16": t.float16, "bf16": t.bfloat16}[wanted]


def _budget(options: EngineOptions, device: Any) -> int:
    if options.max_memory is not None:
        return parse_bytes(options.max_memory)
    if device.type == "cuda":
        return int(torch().cuda.mem_get_info(device)[0] * GPU_SHARE)
    return CPU_BUDGET


# ---- loading


@dataclass(frozen=True)
class Checkpoint:
    """A checked folder in hub layout and what its config says."""

    path: Path
    config: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.config.get("model_type", ""))


def open_folder(path: Path, kinds: Mapping[str, str], engine: str) -> Checkpoint:
    """The folder's config, after a check that its `model_type` is one that this engine reads."""
    file = path / "config.json"
    if not file.is_file():
        raise WeightsError(
            f"{path} has no config.json; {engine} reads a folder as `save_pretrained` writes it"
        )
    try:
        config = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{file} is not JSON: {_line(error)}") from None
    found = config.get("model_type") if isinstance(config, dict) else None
    if found not in kinds:
        raise WeightsError(
            f"{path} holds the architecture {found!r}, but {engine} reads {', '.join(sorted(kinds))}; "
            "give its path as the model, without another name, and the right engine is found"
        )
    return Checkpoint(path, config)


def load_model(checkpoint: Checkpoint, class_name: str, options: EngineOptions, **more: Any) -> Any:
    """The network of a checked folder, every one of its weights filled from the file."""
    kind = getattr(transformers(), class_name, None)
    if kind is None:
        raise CapabilityError(
            f"transformers {transformers().__version__} has no {class_name}; install transformers>=5.20"
        )
    try:
        model, report = weights.pretrained(
            kind, checkpoint.path, options, output_loading_info=True, **more
        )
    except (
        ImportError
    ) as error:  # timm, torchvision: transformers says which only when the class is built
        raise CapabilityError(
            f"{class_name} needs a library that is not installed: {_line(error)}. "
            "sam2.1-tiny cuts without it (and gdino-tiny finds words)"
        ) from None
    missing = sorted(report["missing_keys"])
    if missing:
        raise WeightsError(
            f"{checkpoint.path} lacks {len(missing)} of the weights of {class_name} ({missing[0]}, ...); "
            "it is another architecture or a part of one"
        )
    return model


def load_tokenizer(path: Path) -> Any:
    """The tokenizer that lies in the folder. transformers makes an empty one where the files are missing."""
    if not any((path / name).is_file() for name in TOKENIZERS):
        raise WeightsError(
            f"{path} has no tokenizer ({', '.join(TOKENIZERS)}); fetch the whole folder"
        )
    try:
        return transformers().AutoTokenizer.from_pretrained(
            str(path), local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, ImportError, TypeError) as error:
        raise WeightsError(
            f"{path} has no tokenizer that loads ({_line(error)}); fetch the whole folder"
        ) from None


# ---- pictures


def chunks(items: Sequence[Item], count: int) -> Iterator[Sequence[Item]]:
    """Runs of at most `count` items, the last one included.

    >>> list(chunks([1, 2, 3], 2))
    [[1, 2], [3]]
    """
    return (items[start : start + count] for start in range(0, len(items), count))


def resized(image: Image, size: tuple[int, int], *, cubic: bool = False) -> Any:
    """(3, h, w) float32 tensor in [0, 1]: antialiased, as Pillow resizes and as the networks were trained."""
    from PIL import Image as Pillow

    t = torch()
    picture = Pillow.fromarray(image.pixels)
    if picture.size != size[::-1]:
        picture = picture.resize(
            size[::-1], Pillow.Resampling.BICUBIC if cubic else Pillow.Resampling.BILINEAR
        )
    pixels = t.frombuffer(bytearray(picture.tobytes()), dtype=t.uint8).reshape(*size, 3)
    return pixels.permute(2, 0, 1).to(t.float32) / 255


def normalised(pixels: Any, mean: Sequence[float], std: Sequence[float]) -> Any:
    """(..., 3, h, w) with each channel's mean taken off and its deviation divided out."""
    t = torch()
    shape = (3, 1, 1)
    return (pixels - t.tensor(mean).reshape(shape)) / t.tensor(std).reshape(shape)


IMAGENET: Statistics = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def pixel_statistics(path: Path, default: Statistics) -> Statistics:
    """Mean and deviation from preprocessor_config.json where the folder has one, else the family's own."""
    mean, std = default
    for name in ("preprocessor_config.json", "processor_config.json"):
        file = path / name
        if file.is_file():
            settings = json.loads(file.read_text("utf-8"))
            settings = settings.get("image_processor", settings)
            if settings.get("do_normalize") is False:
                return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
            return settings.get("image_mean") or mean, settings.get("image_std") or std
    return mean, std


def numpy(tensor: Any) -> Any:
    """A float32 array of the tensor's values."""
    return tensor.detach().to("cpu", torch().float32).numpy()


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise missing_extra(name, "hf") from None


def _line(error: BaseException) -> str:
    text = str(error).strip()
    return " ".join(text.split())[:300] if text else type(error).__name__
