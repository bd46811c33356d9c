"""People with their joints, kept in a file and read again."""

from pathlib import Path

from wordmask.core.poses import CONFIDENT
from wordmask.errors import FormatError
from wordmask.jobs.poses import to_named
from wordmask.media import formats
from wordmask.tasks.pose import People
from wordmask.tasks.posing.parts import find_parts

WITH_JOINTS = ("json", "coco")


def save_people(people: People, path: Path | str) -> Path:
    """Write people with their joints: own JSON (.json), or COCO's keypoints (.coco.json)."""
    kind = formats.format_of(path)
    if kind.name not in WITH_JOINTS:
        raise FormatError(
            f"{path}: {kind.name} holds no joints; write a .json or a .coco.json, or save the "
            "regions alone with people.result.save"
        )
    formats.save_named([to_named(people, Path(path).stem)], path)
    return Path(path)


def read_people(path: Path | str) -> People:
    """The people of one picture from a file that has joints, as `wordmask pose` writes it.

    Their parts are cut out of their masks again.
    """
    found = formats.load_named(path)
    if len(found) != 1:
        raise FormatError(f"{path} holds {len(found)} pictures; people are read of one")
    result, poses = found[0].result, found[0].poses
    if poses is None:
        raise FormatError(f"{path} holds no joints; read_result reads its regions")
    parts, owners = find_parts(result, poses, CONFIDENT)
    return People(result, poses, parts, owners)
