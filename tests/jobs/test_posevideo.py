"""Joints through a video: numbered people, smoothed joints, lines and a drawn copy."""

import json

import numpy as np
import pytest

from commands import names, run_here
from drawing import box_mask, paint
from figures import Figures, standing
from wordmask import engines
from wordmask.core.models import Models
from wordmask.core.poses import Poses
from wordmask.core.prompts import Text
from wordmask.core.result import Result
from wordmask.errors import PromptError
from wordmask.jobs.footage import footage_of_pictures
from wordmask.jobs.posevideo import PoseVideoJob, follow
from wordmask.media.formats import from_json
from wordmask.media.video.write import VideoSink
from wordmask.media.writing import write_picture
from wordmask.tasks.pose import PoseOptions
from wordmask.tasks.posing.moving import JointTracks, SmoothOptions
from wordmask.tasks.track import Query

SIZE = (90, 120)
RNG = np.random.default_rng(3)


class Shaking(Figures):
    """Joints that are two pixels off, each time elsewhere."""

    def poses(self, seen, boxes):
        joints = super().poses(seen, boxes).joints.copy()
        joints[..., :2] += RNG.normal(0, 2, joints[..., :2].shape)
        return Poses(joints)


def frames(count=12):
    """A red person that walks to the right."""
    return [
        paint(SIZE, (box_mask(SIZE, (10 + k, 10, 50 + k, 80)), (255, 0, 0))) for k in range(count)
    ]


def job(tmp_path, word="red", count=12, draws=False):
    models = Models("fake+test", (*engines.load("fake").parts, Shaking()))
    return PoseVideoJob(
        footage_of_pictures(frames(count)), Query(Text((word,))), models, PoseOptions(),
        SmoothOptions(), tmp_path / "walk", draws=draws,
    )  # fmt: skip


def test_every_frame_is_a_line_with_the_same_persons_joints(tmp_path):
    made = job(tmp_path)
    found = list(follow(made))
    lines = [json.loads(line) for line in made.lines.read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(12))
    assert {line["regions"][0]["track"] for line in lines} == {1}
    assert np.allclose(lines[5]["regions"][0]["joints"], found[5].poses.joints[0], atol=0.006)
    assert len(from_json(lines[5])) == 1


def test_joints_shake_less_than_they_were_found(tmp_path):
    found = list(follow(job(tmp_path, count=30)))
    truth = np.stack([standing((10 + k, 10, 50 + k, 80))[:, :2] for k in range(30)])
    off = np.stack([one.poses.joints[0, :, :2] for one in found]) - truth
    assert off[10:].std() < 1.4  # of 2


def test_nobody_in_a_video_is_an_answer(tmp_path):
    found = list(follow(job(tmp_path, word="green")))
    assert [len(one.people) for one in found] == [0] * 12


def test_who_has_no_number_cannot_be_smoothed():
    with pytest.raises(PromptError, match="follow them first"):
        JointTracks().step(Result.nothing(SIZE), Poses.nobody(), 0.0)


def test_the_command_follows_a_boxed_person_and_draws_a_copy(tmp_path, capsys):
    pytest.importorskip("av", reason="videos need av: pip install 'wordmask[video]'")
    video = tmp_path / "walk.mp4"
    with VideoSink(video, 25) as sink:
        for image in frames(4):
            sink.write(image)
    assert run_here("pose", video, "--box", "10,10,50,80", "-o", tmp_path / "out") == 0
    out = capsys.readouterr().out
    assert "joints: 4 frames" in out
    lines = (tmp_path / "out/walk.poses.jsonl").read_text().splitlines()
    assert len(lines) == 4
    assert (tmp_path / "out/walk.poses.mp4").stat().st_size > 500
    assert run_here("pose", video, "--box", "10,10,50,80", "-o", tmp_path / "out") == 2
    assert "--overwrite" in capsys.readouterr().err


def test_lines_on_stdout_leave_no_file(tmp_path, capsys):
    folder = tmp_path / "walk"
    folder.mkdir()
    for k, image in enumerate(frames(2)):
        write_picture(folder / f"{k}.png", image.pixels)
    assert run_here("pose", folder, "--as-video", "--box", "10,10,50,80", "--json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["frame"] for line in lines] == [0, 1]
    assert names(tmp_path) == ["walk"]


def test_one_file_is_a_drawn_copy_or_the_lines(tmp_path, capsys):
    pytest.importorskip("av", reason="videos need av: pip install 'wordmask[video]'")
    folder, out = tmp_path / "walk", tmp_path / "out"
    folder.mkdir()
    for k, image in enumerate(frames(2)):
        write_picture(folder / f"{k}.png", image.pixels)
    how = ("pose", folder, "--as-video", "--box", "10,10,50,80", "-o")
    for name, said in (
        ("a.png", "which end in .mp4"), ("a.mp4 -f json", "a.mp4 may hold skeleton; got json"),
        ("out -f coco", "of a video json and skeleton are written; got coco"),
    ):  # fmt: skip
        assert run_here(*how, *f"{tmp_path}/{name}".split()) == 2
        assert said in capsys.readouterr().err
    assert run_here(*how[:2], folder, *how[2:], out / "a.mp4") == 2
    assert "2 videos would be written to it" in capsys.readouterr().err
    for _ in range(2):  # what the user named is replaced
        assert run_here(*how, out / "dance.mp4") == 0
        assert run_here(*how, out / "dance.jsonl") == 0
    assert names(out) == ["dance.jsonl", "dance.mp4"]
    assert len((out / "dance.jsonl").read_text().splitlines()) == 2
    assert (out / "dance.mp4").stat().st_size > 500
