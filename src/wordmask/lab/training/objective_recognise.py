"""CLIP2SAM: on a frozen backbone and adapter, the decoder learns to correct cuts and to name them.

A teacher's own cutter cuts first, by what the adapter says that its encoder would see. Without one
the decoder learns to cut from nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from wordmask.core.image import Array
from wordmask.core.maps import MapSegmenter
from wordmask.errors import Mend, WeightsError
from wordmask.files import digest
from wordmask.lab.training.loop import (
    ParameterGroup,
    Step,
    group_by_decay,
    load_average,
    read_checkpoint,
)
from wordmask.lab.training.losses_ovsam import mask_iou, mask_losses, name_loss
from wordmask.lab.training.ovsam_cuts import CutBatches, CutDump
from wordmask.lab.training.ovsam_figures import judge_things, measure_things
from wordmask.lab.training.ovsam_options import OvsamTrainOptions, adapter_of
from wordmask.lab.training.ovsam_samples import ThingBatch, ThingBatches, ThingReader
from wordmask.lab.training.place import Device, RunPlace
from wordmask.model.ovsam.decoder import OvsamPrompts
from wordmask.model.ovsam.naming import word_logits
from wordmask.model.ovsam.net import FrozenBackbone, OvsamNetwork
from wordmask.model.ovsam.plan import OvsamPlan
from wordmask.model.ovsam.whole import OvsamWhole

# Weights of the losses (Yuan et al. 2024); `quality` is ours.
NAMES, CROSS, DICE, QUALITY = 2.0, 5.0, 5.0, 1.0
JUDGED = 40  # held-out pictures of an evaluation during the training
EmbedTexts = Callable[[Sequence[str]], Array]


class RecogniseObjective:
    """Everything behind the adapter."""

    def __init__(
        self,
        options: OvsamTrainOptions,
        plan: OvsamPlan,
        reader: ThingReader,
        backbone: FrozenBackbone,
        embed_texts: EmbedTexts,
        teacher: MapSegmenter | None = None,
    ) -> None:
        """`teacher`: cuts first, where the plan has its maps."""
        self.options, self.plan, self.reader, self.backbone = options, plan, reader, backbone
        self.network = OvsamNetwork(plan)
        self.whole = OvsamWhole(self.network, backbone, teacher)
        self._load_adapter()
        self.modules: dict[str, nn.Module] = {"network": self.network}
        self.maker = self._make_batches()
        self.embed_texts = embed_texts
        self.texts, self.starts = embed_words(reader.phrases, embed_texts)

    def groups(self) -> list[ParameterGroup]:
        own = [p for p in self.network.parameters() if p.requires_grad]
        return group_by_decay(own, self.options)

    def batches(self, start: int) -> Iterator[ThingBatch]:
        return self.maker.stream(self.options.seed, start)

    def share(self, batch: ThingBatch, place: RunPlace) -> ThingBatch:
        self.texts, self.starts = self.texts.to(place.device), self.starts.to(place.device)
        return batch.share(place)

    def losses(self, batch: ThingBatch, step: Step) -> tuple[Tensor, dict[str, float]]:
        self.network.adapter.eval()
        self.network.outputs.eval()
        with torch.autocast(batch.pictures.device.type, torch.bfloat16, enabled=step.half):
            encoded = self.network.encode(self.backbone(batch.pictures))
            cut = self.network.cut(encoded, batch.of, prompts_of(batch))
            opinions = self.network.name(encoded, batch.of, cut)
        masks, quality = cut.masks.float(), cut.quality.float()
        cross, dice = mask_losses(masks, batch.masks)
        iou = mask_iou(masks, batch.masks)
        right = (quality.sigmoid() - iou).square()
        learned = batch.has_mask.float()
        parts = {
            "cross": CROSS * step.mean(cross, learned),
            "dice": DICE * step.mean(dice, learned),
            "quality": QUALITY * step.mean(right, learned),
        }
        known = batch.words >= 0
        figures = {"iou": float(step.mean(iou.detach(), learned))}
        for name, vectors in opinions._asdict().items():
            logits = word_logits(vectors[known], self.texts, self.starts, self.plan.scale)
            loss, weight = name_loss(logits, batch.words[known])
            parts[name] = NAMES * step.mean(loss, weight)
            good = (logits.argmax(1) == batch.words[known]).float()
            figures[f"{name}_right"] = float(step.mean(good, torch.ones_like(good)))
        logged = {name: float(part.detach()) for name, part in parts.items()}
        return torch.stack(list(parts.values())).sum(), logged | figures

    def evaluate(self) -> dict[str, float]:
        """Held-out things by click and by box."""
        rows = measure_things(self.whole, self.reader, self.reader.held[:JUDGED])
        return judge_things(rows, self.texts, self.starts, self.plan.scale)

    def state(self) -> dict[str, Any]:
        return {"words": list(self.reader.words), "backbone": self.backbone.name}

    def load_state(self, state: dict[str, Any]) -> None:
        if tuple(state["words"]) != self.reader.words or state["backbone"] != self.backbone.name:
            raise WeightsError(
                f"the checkpoint in {self.options.out} was trained with other words or on another "
                "backbone; train into another folder",
                mend=Mend("out", "FOLDER"),
            )

    def export(self, checkpoint: Path, folder: Path) -> None:
        from wordmask.lab.export.ovsam import export_ovsam

        load_average(checkpoint, self.modules)
        export_ovsam(self.network.eval(), self.backbone, self.reader.words, folder)

    def _make_batches(self) -> ThingBatches:
        """With the teacher's cuts, which are kept beside the run."""
        o, teacher = self.options, self.whole.teacher
        if teacher is None or not self.plan.maps:
            return ThingBatches(self.reader, o.batch)
        words = sha256("\n".join(self.reader.words).encode()).hexdigest()[:12]
        adapter = digest(adapter_of(o))[:12]
        name = f"{teacher.name} at {self.plan.side} by {adapter}, {words}"
        # A copy: processes may keep only parts of what they train, and the cuts are made ahead.
        frozen = deepcopy(self.network).eval().requires_grad_(False).to(_usual_device(o.device))
        whole = OvsamWhole(frozen, self.backbone, teacher)
        return CutBatches(self.reader, o.batch, CutDump(o.out / "cuts", name, whole, self.reader))

    def _load_adapter(self) -> None:
        path = adapter_of(self.options)
        state = read_checkpoint(path)
        self._check_origin(path, state["objective"])
        frozen = {"adapter": self.network.adapter}
        if self.plan.maps:
            frozen["outputs"] = self.network.outputs
        for name, module in frozen.items():
            try:
                module.load_state_dict(state["average"].get(name, {}))
            except RuntimeError as error:
                line = str(error).splitlines()[-1].strip()
                raise WeightsError(
                    f"{path} is no adapter for this backbone and size: {line}",
                    mend=Mend("adapter", "LAST.PT"),
                ) from None
            module.requires_grad_(False)

    def _check_origin(self, path: Path, state: Mapping[str, Any]) -> None:
        """The adapter reads the backbone, and speaks the language of the teacher, of its stage."""
        if "plan" not in state:
            raise WeightsError(
                f"{path} is no checkpoint of the stage distill", mend=Mend("adapter", "LAST.PT")
            )
        read, side = state["plan"]["backbone"], state["plan"]["side"]
        if Path(read).name != Path(self.backbone.name).name:  # a folder may have been moved
            raise WeightsError(
                f"{path} was distilled on {read}, not on {self.backbone.name}",
                mend=Mend("backbone", read),
            )
        if side != self.plan.side:
            raise WeightsError(
                f"{path} was distilled on squares of {side} pixels, not of {self.plan.side}",
                mend=Mend("side", str(side)),
            )
        teacher, learned = self.whole.teacher, state.get("teacher")
        if teacher is not None and learned not in (None, teacher.name):
            raise WeightsError(
                f"{path} was distilled from {learned}, not from {teacher.name}",
                mend=Mend("teacher", "NAME"),
            )


def _usual_device(device: Device) -> torch.device:
    """Where the run computes, in this process."""
    if device == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def prompts_of(batch: ThingBatch) -> OvsamPrompts:
    """The prompts of a batch; an earlier mask is a teacher's cut."""
    return OvsamPrompts(batch.xy, batch.kinds, batch.before)


def embed_words(phrases: Sequence[Sequence[str]], embed_texts: EmbedTexts) -> tuple[Tensor, Tensor]:
    """(S, D) unit rows of every name of every word, and (S,) the word of each."""
    flat = [name for names in phrases for name in names]
    starts = np.repeat(np.arange(len(phrases)), [len(names) for names in phrases])
    texts = np.asarray(embed_texts(flat), np.float32)
    return torch.from_numpy(texts.copy()), torch.from_numpy(starts)
