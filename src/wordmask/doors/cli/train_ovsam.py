"""`wordmask train ovsam`: Open-Vocabulary SAM in two stages, each judged at its end."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import typer

from wordmask import engines
from wordmask.core.maps import MapSegmenter
from wordmask.core.models import Models
from wordmask.core.protocols import Dense
from wordmask.engines.options import EngineOptions
from wordmask.engines.ovsam.backbones import OpenBackbone, open_backbone
from wordmask.errors import CapabilityError
from wordmask.lab.export.mini_words import class_vectors
from wordmask.lab.export.ovsam import write_exponent, write_teacher
from wordmask.lab.training.loop import Training
from wordmask.lab.training.objective_distill import DistillObjective
from wordmask.lab.training.objective_recognise import EmbedTexts, RecogniseObjective
from wordmask.lab.training.ovsam_data import Say, open_things
from wordmask.lab.training.ovsam_options import OvsamTrainOptions, adapter_of, plan_of
from wordmask.lab.training.ovsam_tables import distill_lines, find_exponent, recognise_lines
from wordmask.lab.training.teacher import TeacherDump, map_shapes, teach_by
from wordmask.model.mini.constants import WORDS
from wordmask.model.ovsam.lite0 import Lite0Backbone
from wordmask.model.ovsam.plan import OvsamPlan


def distill(options: OvsamTrainOptions, say: Say) -> None:
    """The adapter learns from a segmenter."""
    things = open_things(options, say)
    backbone = _backbone(options)
    plan = plan_of(options, backbone.network, backbone.network.dense_width or WORDS)
    reader = things.reader(options, plan.side)
    teacher = _teacher(options, plan)
    dump = TeacherDump(options.out / "teacher", teacher.name, plan.side, teach_by(teacher))
    training = Training(
        lambda o: DistillObjective(o, plan, reader, backbone.network, dump), options
    )
    checkpoint = training.run()
    if training.place.is_first:
        with training.average.in_use():
            _show(distill_lines(training.objective, teacher))
        typer.echo(f"distilled: {checkpoint}")
        typer.echo(f"go on with: wordmask train ovsam --stage recognise --adapter {checkpoint}")


def recognise(options: OvsamTrainOptions, folder: Path, say: Say) -> None:
    """The decoder learns to cut and to name; the network is exported into `folder`."""
    adapter_of(options)  # its absence is told before all data is looked at
    things = open_things(options, say)
    backbone = _backbone(options)
    embed = _embed_texts(backbone)
    plan = plan_of(options, backbone.network, embed(["thing"]).shape[1])
    teacher = None
    if options.cutter == "teacher":
        teacher = _teacher(options, plan)
        plan = replace(plan, maps=map_shapes(teacher, plan.side))
    reader = things.reader(options, plan.side)
    training = Training(
        lambda o: RecogniseObjective(o, plan, reader, backbone.network, embed, teacher), options
    )
    checkpoint = training.run()
    if not training.place.is_first:
        return
    training.objective.export(checkpoint, folder)
    if teacher is not None:
        write_teacher(folder, options.teacher, teacher.name)
    exponent = find_exponent(training.objective)
    write_exponent(folder, exponent)
    test = [] if things.test is None else [things.test]
    _show(recognise_lines(training.objective, test, exponent))
    typer.echo(f"use it with: wordmask click PICTURE --point X,Y --model {folder}")


def _backbone(options: OvsamTrainOptions) -> OpenBackbone:
    if options.backbone == Lite0Backbone.name:
        from torch import from_numpy

        words = class_vectors(engines.load("mini").get(Dense).embed_texts)
        return OpenBackbone(Lite0Backbone(words=from_numpy(words)), None)
    return open_backbone(options.backbone, EngineOptions(device=options.device))


def _embed_texts(backbone: OpenBackbone) -> EmbedTexts:
    """The backbone's own words, or mini's where it knows none."""
    if backbone.texts is not None:
        return backbone.texts.embed
    return engines.load("mini").get(Dense).embed_texts


def _teacher(options: OvsamTrainOptions, plan: OvsamPlan) -> MapSegmenter:
    settings = EngineOptions(device=options.device, input_side=plan.side)
    return _map_segmenter(engines.load(options.teacher, options=settings))


def _map_segmenter(models: Models) -> MapSegmenter:
    if not models.has(MapSegmenter):
        raise CapabilityError(
            f"{models.spec} cannot be a teacher: its encodings cannot be taken apart; "
            "SAM, SAM-HQ, SAM 2 and mini can"
        )
    return models.get(MapSegmenter)


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)
