"""What the writer wrote, read back by the rules of glTF 2.0."""

import json
import struct

import numpy as np
import pytest

from wordmask.core.mesh import Mesh, join_meshes
from wordmask.media.formats.glb import NamedMesh, encode_glb, write_glb

KINDS = {5121: np.uint8, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


def parse_glb(data):
    """The document, and a function that gives an accessor's values."""
    magic, version, length = struct.unpack("<4sII", data[:12])
    assert (magic, version, length) == (b"glTF", 2, len(data))
    chunks, at = [], 12
    while at < len(data):
        size, kind = struct.unpack("<I4s", data[at : at + 8])
        assert size % 4 == 0
        chunks.append((kind, data[at + 8 : at + 8 + size]))
        at += 8 + size
    assert [kind for kind, _ in chunks] in ([b"JSON", b"BIN\0"], [b"JSON"])
    document = json.loads(chunks[0][1])

    def values(number):
        accessor = document["accessors"][number]
        view = document["bufferViews"][accessor["bufferView"]]
        assert view["byteOffset"] % 4 == 0
        part = chunks[1][1][view["byteOffset"] :][: view["byteLength"]]
        rows = np.frombuffer(part, KINDS[accessor["componentType"]])
        assert len(rows) == accessor["count"] * WIDTHS[accessor["type"]]
        return rows.reshape(accessor["count"], -1)

    return document, values


def triangle(**columns):
    return Mesh([[0, 0, -1], [1, 0, -1], [0, 1, -2]], **columns)


def test_every_mesh_is_a_node_with_its_columns():
    mesh = triangle(
        normals=np.eye(3), colours=np.array([[255, 0, 0], [0, 255, 0], [0, 0, 128]], np.uint8),
        faces=[[0, 1, 2]],
    )  # fmt: skip
    data = encode_glb([NamedMesh("chair", mesh), NamedMesh("cloud", triangle())], ["up to scale"])
    document, values = parse_glb(data)
    assert document["asset"]["extras"]["notes"] == ["up to scale"]
    assert [node["name"] for node in document["nodes"]] == ["chair", "cloud"]
    chair, cloud = (one["primitives"][0] for one in document["meshes"])
    assert (chair["mode"], cloud["mode"]) == (4, 0)
    names = chair["attributes"]
    np.testing.assert_array_equal(values(names["POSITION"]), mesh.points)
    np.testing.assert_array_equal(values(names["NORMAL"]), mesh.normals)
    assert values(chair["indices"]).ravel().tolist() == [0, 1, 2]
    colours = values(names["COLOR_0"])
    assert colours[:2].tolist() == [[255, 0, 0, 255], [0, 255, 0, 255]]
    assert colours[2, 2] == 55, "glTF's colours are linear light"
    ends = document["accessors"][names["POSITION"]]
    assert (ends["min"], ends["max"]) == ([0, 0, -2], [1, 1, -1])


def test_nothing_is_a_scene_too():
    document, _ = parse_glb(encode_glb([NamedMesh("gone", Mesh(np.zeros((0, 3))))]))
    assert "meshes" not in document
    assert document["scenes"] == [{}]


def test_the_file_is_written_whole(tmp_path):
    path = write_glb(tmp_path / "a.glb", [NamedMesh("", triangle())])
    assert parse_glb(path.read_bytes())[0]["asset"]["version"] == "2.0"


def test_other_libraries_read_it(tmp_path):
    trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed")
    write_glb(tmp_path / "a.glb", [NamedMesh("chair", triangle(faces=[[0, 1, 2]]))])
    scene = trimesh.load(tmp_path / "a.glb")
    assert scene.geometry["chair"].faces.tolist() == [[0, 1, 2]]


def test_joined_meshes_keep_the_columns_that_all_have():
    normals = np.eye(3)
    joined = join_meshes(
        [triangle(faces=[[0, 1, 2]], normals=normals), triangle(faces=[[2, 1, 0]])]
    )
    assert joined.faces.tolist() == [[0, 1, 2], [5, 4, 3]]
    assert joined.normals is None
    assert len(join_meshes([])) == 0
    both = join_meshes([triangle(normals=normals), triangle(normals=normals)])
    assert both.faces is None
    assert both.normals.shape == (6, 3)
