"""BLIP VQA, SmolVLM, Qwen3-VL, Florence-2: a question about a picture -> an answer in words.

Each family says how it encodes a picture, and what its text part is given to write an answer; the
writing is the same for all: the most probable word at each step, and how probable the words were.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, ClassVar

import numpy as np
import torch
import transformers
from torch import Tensor

from wordmask.core.image import Image, Size
from wordmask.core.protocols import Seen, Wording, own_seen
from wordmask.engines.hub.loading import Loaded, load_folder
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights.open import error_line, load_tokenizer
from wordmask.errors import CapabilityError, WeightsError

LONGEST = 24  # tokens of an answer
SHORT_ANSWER = " Answer in one word or a short phrase."


@dataclass(frozen=True, eq=False)
class VlmSeen:
    """What a network made of a picture, or the pixels where it joins words and picture early."""

    size: Size
    tensors: dict[str, Tensor]

    @property
    def nbytes(self) -> int:
        return int(sum(tensor.nbytes for tensor in self.tensors.values()))


class VlmEngine(ABC):
    """An `Answerer`."""

    processor: ClassVar[str]  # the class in transformers that prepares pixels with PIL

    def __init__(self, loaded: Loaded, options: EngineOptions) -> None:
        self.name = loaded.name
        self._runtime = loaded.place
        self._model = loaded.place.prepare(loaded.model)
        self._tokenizer = load_tokenizer(loaded.folder.path)
        self._pixels = load_image_processor(self.processor, loaded)
        self._lock = Lock()  # while it writes, a network keeps state of its own

    def encode(self, images: Sequence[Image]) -> list[Seen]:
        with torch.no_grad():
            return [VlmSeen(image.size, self._look(image)) for image in images]

    def answer(self, seen: Seen, question: str) -> Wording:
        """The answer, and the mean probability (geometric) of its tokens."""
        own = own_seen(seen, VlmSeen, self.name)
        tensors = {name: self._move(tensor) for name, tensor in own.tensors.items()}
        with torch.no_grad(), self._lock:
            out = self._write(tensors, question)
        written = out.sequences[0][-len(out.scores) :]
        text = self._tokenizer.decode(written, skip_special_tokens=True).strip()
        return Wording(text, token_probability(out.scores, written))

    # ---- what a family does

    @abstractmethod
    def _look(self, image: Image) -> dict[str, Tensor]:
        """What is kept of a picture."""

    @abstractmethod
    def _write(self, tensors: dict[str, Tensor], question: str) -> Any:
        """The tokens, as `generate` gives them."""

    # ---- what they share

    def _prepare(self, image: Image, **more: Any) -> dict[str, Tensor]:
        """The picture as the network takes it."""
        made = self._pixels(images=np.asarray(image.pixels), return_tensors="pt", **more)
        return {name: self._move(tensor) for name, tensor in made.items()}

    def _move(self, tensor: Tensor) -> Tensor:
        """On the network's device, real numbers in its format."""
        kind = self._runtime.dtype if tensor.is_floating_point() else tensor.dtype
        return tensor.to(self._runtime.device, kind)

    def _keep(self, tensor: Tensor) -> Tensor:
        return tensor.cpu() if self._runtime.offload else tensor

    def _ids(self, text: str) -> Tensor:
        ids = self._tokenizer(text, return_tensors="pt")["input_ids"]
        placed: Tensor = ids.to(self._runtime.device)
        return placed

    def _generate(self, network: Any, **feed: Any) -> Any:
        return network.generate(
            **feed,
            max_new_tokens=LONGEST,
            do_sample=False,
            num_beams=1,
            return_dict_in_generate=True,
            output_scores=True,
        )

    def _fill_in(self, ids: Tensor, features: Tensor) -> Tensor:
        """(1, T, D): the embedded tokens, with the picture in place of its tokens."""
        embedded = self._model.get_input_embeddings()(ids)
        places = (ids == self._model.config.image_token_id)[..., None].expand_as(embedded)
        filled: Tensor = embedded.masked_scatter(places, features.to(embedded.dtype))
        return filled


class Blip(VlmEngine):
    """Trained for questions: answers are short."""

    processor = "BlipImageProcessorPil"

    def _look(self, image: Image) -> dict[str, Tensor]:
        pixels = self._prepare(image)["pixel_values"]
        return {"picture": self._keep(self._model.vision_model(pixel_values=pixels)[0])}

    def _write(self, tensors: dict[str, Tensor], question: str) -> Any:
        picture, ids, text = tensors["picture"], self._ids(question), self._model.config.text_config
        read = self._model.text_encoder(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            encoder_hidden_states=picture,
            encoder_attention_mask=torch.ones_like(picture[..., 0], dtype=torch.long),
            return_dict=False,
        )[0]
        return self._generate(
            self._model.text_decoder,
            input_ids=torch.full_like(ids[:, :1], self._model.decoder_start_token_id),
            eos_token_id=text.sep_token_id,
            pad_token_id=text.pad_token_id,
            encoder_hidden_states=read,
            encoder_attention_mask=torch.ones_like(read[..., 0], dtype=torch.long),
        )


class SmolVlm(VlmEngine):
    """A small model for dialogues. It sees the picture as a whole, without the tiles."""

    processor = "SmolVLMImageProcessorPil"

    def _look(self, image: Image) -> dict[str, Tensor]:
        made = self._prepare(image, do_image_splitting=False)
        parts = self._model.get_image_features(**made).pooler_output
        return {"picture": self._keep(torch.cat(list(parts)))}

    def _write(self, tensors: dict[str, Tensor], question: str) -> Any:
        picture = tensors["picture"]
        tokens = "<image>" * math.prod(picture.shape[:-1])
        fence = "<fake_token_around_image>"
        shown = f"{fence}<global-img>{tokens}{fence}"
        asked = f"{question}{SHORT_ANSWER}<end_of_utterance>\nAssistant:"
        ids = self._ids(f"<|im_start|>User:{shown}{asked}")
        embedded = self._fill_in(ids, picture)
        return self._generate(
            self._model, inputs_embeds=embedded, attention_mask=torch.ones_like(ids)
        )


class Qwen3Vl(VlmEngine):
    """A larger model for dialogues. Its text part also takes the picture at several depths, so the
    pixels are kept and looked at again with each question."""

    processor = "Qwen2VLImageProcessorPil"

    def _look(self, image: Image) -> dict[str, Tensor]:
        return {name: self._keep(tensor) for name, tensor in self._prepare(image).items()}

    def _write(self, tensors: dict[str, Tensor], question: str) -> Any:
        merge = int(self._model.config.vision_config.spatial_merge_size)
        tokens = int(tensors["image_grid_thw"].prod()) // merge**2
        shown = f"<|vision_start|>{'<|image_pad|>' * tokens}<|vision_end|>"
        asked = f"{question}{SHORT_ANSWER}<|im_end|>\n<|im_start|>assistant\n"
        ids = self._ids(f"<|im_start|>user\n{shown}{asked}")
        is_picture = ids == self._model.config.image_token_id
        return self._generate(
            self._model,
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            mm_token_type_ids=is_picture.to(torch.int32),
            **tensors,
        )


class Florence2(VlmEngine):
    """Trained for captions and boxes; a question that is no task of it is answered as it can."""

    processor = "CLIPImageProcessorPil"

    def _look(self, image: Image) -> dict[str, Tensor]:
        pixels = self._prepare(image)["pixel_values"]
        return {"picture": self._keep(self._model.get_image_features(pixels).pooler_output)}

    def _write(self, tensors: dict[str, Tensor], question: str) -> Any:
        picture = tensors["picture"]
        count = math.prod(picture.shape[:-1])
        # The picture's tokens come first, and the tokenizer's own beginning after them.
        words = self._ids(question)
        shown = torch.full_like(words[:, :1], self._model.config.image_token_id).expand(1, count)
        ids = torch.cat([shown, words], 1)
        everywhere = torch.ones_like(ids)
        embedded = self._fill_in(ids, picture)
        reader = self._model.get_encoder()
        read = reader(inputs_embeds=embedded, attention_mask=everywhere)
        return self._generate(self._model, encoder_outputs=read, attention_mask=everywhere)


FAMILIES: dict[str, type[VlmEngine]] = {
    "blip": Blip,
    "smolvlm": SmolVlm,
    "qwen3_vl": Qwen3Vl,
    "florence2": Florence2,
}


def load(name: str, options: EngineOptions) -> VlmEngine:
    """The engine of a known name or a folder in hub layout."""
    loaded = load_folder(name, options, __name__, "the engine for questions")
    return FAMILIES[loaded.folder.kind](loaded, options)


def load_image_processor(kind: str, loaded: Loaded) -> Any:
    """What prepares pixels as in training, with PIL; its settings lie in the folder."""
    found = getattr(transformers, kind, None)
    if found is None:
        raise CapabilityError(
            f"transformers {transformers.__version__} has no {kind}; install transformers>=5.20"
        )
    path = loaded.folder.path
    try:
        return found.from_pretrained(str(path), local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        raise WeightsError(
            f"{path} has no preprocessor_config.json that loads ({error_line(error)}); "
            "fetch the whole folder"
        ) from None


def token_probability(scores: Sequence[Tensor], written: Tensor) -> float:
    """The geometric mean of the probabilities with which the tokens were chosen."""
    logs = [
        float(torch.log_softmax(row[0].float(), -1)[token])
        for row, token in zip(scores, written.tolist(), strict=True)
    ]
    return math.exp(sum(logs) / len(logs)) if logs else 0.0
