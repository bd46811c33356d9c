"""ONNX files of other makers, told by what they take and give.

hub          onnx/vision_encoder.onnx, prompt_encoder_mask_decoder.onnx (SAM, SAM 2)
Meta         point_coords, point_labels, mask_input ...: Meta's export, samexporter's (SAM,
             SAM 2, MobileSAM), EfficientViT-SAM, EdgeSAM
EfficientSAM batched_images, batched_point_coords
YOLO         one file with output0 and output1: YOLO-seg and FastSAM
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

from wordmask.engines.graphs.network import open_network
from wordmask.engines.graphs.segmenter import GraphSegmenter
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights import checks, fetch, home, licences
from wordmask.engines.weights.onnx_ports import OnnxPorts, read_ports
from wordmask.errors import OptionError, WeightsError

# Copies of the same network in other number formats, which are taken only by their own name
VARIANT = fetch.VARIANT


class FoundPair(NamedTuple):
    """An encoder and a decoder that belong together."""

    encoder: Path
    decoder: Path
    ports: OnnxPorts  # the decoder's


def load(path: Path, options: EngineOptions) -> Any:
    """The engine of what lies at a path: a folder, or one of the files."""
    if options.input_side is not None:
        raise OptionError(f"{path} has one input side; got input_side={options.input_side}")
    if path.is_file() and read_ports(path).is_yolo:
        from wordmask.engines.graphs import yolo

        return yolo.load(path, options)
    found = find_pair(path)
    for file in (found.encoder, found.decoder):
        checks.check_onnx(file)
    encoder, decoder = (open_network(file, options) for file in (found.encoder, found.decoder))
    kind = _kind(found.ports)
    from wordmask.engines.graphs import foreign_networks

    if kind is foreign_networks.EdgeSamNetwork:
        licences.tell(str(path), "S-Lab License 1.0 (non-commercial)")
    name = home.stamp(_short_name(found.encoder), found.encoder)
    decoder_hash = home.stamp("", found.decoder).rpartition(":")[2]
    return GraphSegmenter(f"{name}+{decoder_hash}", kind(encoder, decoder))


def find_pair(path: Path) -> FoundPair:
    """The encoder and the decoder of a folder, or those that belong to a file."""
    folder = path if path.is_dir() else path.parent
    files = home.onnx_files(folder)
    plain = [file for file in files if not VARIANT.search(file.stem)]
    ports = {file: read_ports(file) for file in plain or files}
    decoders = [file for file, one in ports.items() if one.is_decoder]
    encoders = [file for file, one in ports.items() if file not in decoders and _is_encoder(one)]
    if path.is_file():
        like = _stem(path)
        decoders = [file for file in decoders if _stem(file) == like] or decoders
        encoders = [file for file in encoders if _stem(file) == like] or encoders
    if len(decoders) != 1 or len(encoders) != 1:
        names = ", ".join(file.name for file in ports) or "none"
        raise WeightsError(
            f"{path} should hold one encoder and one decoder of a segmenter, ONNX files that take "
            f"a picture and points; there are {len(encoders)} and {len(decoders)} of them among: "
            f"{names}. Give the path of the one that you mean"
        )
    return FoundPair(encoders[0], decoders[0], ports[decoders[0]])


def _is_encoder(ports: OnnxPorts) -> bool:
    return len(ports.inputs) == 1 and not ports.is_yolo


def _stem(path: Path) -> str:
    """What the two files of a pair have in common.

    >>> _stem(Path("sam_vit_b.encoder.onnx")) == _stem(Path("sam_vit_b.decoder.onnx"))
    True
    """
    roles = r"(vision_encoder|prompt_encoder_mask_decoder|mask_decoder|encoder|decoder|preprocess)"
    return re.sub(roles, "", path.stem)


def _short_name(encoder: Path) -> str:
    stem = _stem(encoder).strip("._-")
    return stem or encoder.resolve().parent.name


def _kind(ports: OnnxPorts) -> Any:
    """Which network runs a decoder."""
    from wordmask.engines.graphs import foreign_networks as kinds

    if "input_points" in ports.inputs:
        return kinds.HubNetwork
    if "batched_point_coords" in ports.inputs:
        return kinds.EfficientSamNetwork
    if "high_res_feats_0" in ports.inputs:
        return kinds.Sam2Network
    if "scores" in ports.outputs and "mask_input" not in ports.inputs:
        return kinds.EdgeSamNetwork
    return kinds.MetaNetwork
