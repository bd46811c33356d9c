"""MoveNet: what ships is what TensorFlow.js says; boxes, edges, and files that are not right."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seeing import see
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.poses import JOINTS
from wordmask.core.protocols import PoseModel
from wordmask.engines.movenet.decode import MIRRORED, Heads, decode, join_looks
from wordmask.engines.movenet.engine import Square
from wordmask.engines.movenet.files import FILES
from wordmask.engines.options import EngineOptions
from wordmask.engines.weights.shipped import open_network
from wordmask.errors import ImageError, WeightsError

# What TensorFlow.js 4.22 makes of `drawn_person()` with the original graph: y, x, confidence.
TFJS = np.array(
    [
        [0.32564, 0.48872, 0.31236],
        [0.29277, 0.52274, 0.17897],
        [0.29833, 0.46903, 0.22517],
        [0.28512, 0.56987, 0.36850],
        [0.29140, 0.42985, 0.37140],
        [0.41942, 0.58639, 0.45493],
        [0.41690, 0.40898, 0.40111],
        [0.56529, 0.61055, 0.17411],
        [0.55888, 0.40881, 0.25398],
        [0.61706, 0.57858, 0.16893],
        [0.61618, 0.42396, 0.21647],
        [0.66586, 0.56243, 0.31631],
        [0.65879, 0.45778, 0.28660],
        [0.84146, 0.57267, 0.10680],
        [0.82980, 0.41637, 0.08339],
        [0.95458, 0.60223, 0.04956],
        [0.94318, 0.42221, 0.06862],
    ]
)


def drawn_person():
    """(192, 192, 3): a figure in front of a grey wall."""
    y, x = np.mgrid[:192, :192]
    pixels = np.full((192, 192, 3), 150, np.uint8)
    shapes = [
        ((80, 72, 112, 120), (190, 40, 40)),  # shirt
        ((64, 74, 80, 82), (190, 40, 40)),
        ((112, 74, 128, 82), (190, 40, 40)),
        ((64, 82, 72, 122), (220, 170, 140)),  # arms
        ((120, 82, 128, 122), (220, 170, 140)),
        ((82, 120, 95, 176), (40, 50, 110)),  # legs
        ((97, 120, 110, 176), (40, 50, 110)),
    ]
    for (x0, y0, x1, y1), colour in shapes:
        pixels[y0:y1, x0:x1] = colour
    pixels[np.hypot(x - 96, y - 56) < 14] = (225, 175, 145)
    pixels[(np.hypot(x - 96, y - 50) < 15) & (y < 50)] = (60, 40, 20)
    return pixels


@pytest.fixture(scope="module")
def movenet():
    return engines.load("movenet", need=(PoseModel,)).get(PoseModel)


def test_the_shipped_network_says_what_tensorflow_js_says():
    setup = json.loads((FILES / "movenet.json").read_text())
    network = open_network(FILES, "movenet.onnx", setup, 1)
    feed = {"picture": drawn_person()[None].astype(np.float32)}
    joints = decode(Heads(*(head[0] for head in network.run(list(Heads._fields), feed))))
    assert np.abs(joints[:, [1, 0]] / 192 - TFJS[:, :2]).max() < 5e-4
    assert np.abs(joints[:, 2] - TFJS[:, 2]).max() < 1e-4


def test_a_drawn_person_has_joints_where_they_are_drawn(movenet):
    image = Image(drawn_person())
    pose = movenet.poses(see(movenet, image), np.array([[60, 36, 132, 180]], np.float32))
    places = dict(zip(JOINTS, pose.joints[0], strict=True))
    assert np.abs(places["nose"][:2] - (96, 57)).max() < 8
    # The figure looks at us, so its left is on our right.
    assert places["left shoulder"][0] > 105
    assert places["right shoulder"][0] < 87
    assert places["left ankle"][1] > 150


def test_joints_move_with_the_box_and_grow_with_it(movenet):
    figure = np.kron(drawn_person(), np.ones((2, 2, 1), np.uint8))
    canvas = np.full((600, 700, 3), 150, np.uint8)
    canvas[100:484, 200:584] = figure
    small = movenet.poses(see(movenet, Image(drawn_person())), np.array([[60, 36, 132, 180]]))
    large = movenet.poses(
        see(movenet, Image(canvas)), np.array([[60, 36, 132, 180]]) * 2.0 + [200, 100, 200, 100]
    )
    sure = small.joints[0, :, 2] > 0.4
    expected = small.joints[0, sure, :2] * 2 + (200, 100)
    assert sure.sum() > 5
    assert np.median(np.abs(large.joints[0, sure, :2] - expected)) < 6


def test_a_mirrored_picture_has_mirrored_joints(movenet):
    pixels = drawn_person()
    box = np.array([[50, 36, 126, 180]], np.float32)
    mirrored = np.array([[192 - 126, 36, 192 - 50, 180]], np.float32)
    one = movenet.poses(see(movenet, Image(pixels)), box).joints[0]
    other = movenet.poses(see(movenet, Image(pixels[:, ::-1].copy())), mirrored).joints[0]
    back = other[MIRRORED]
    # The square is of whole pixels, so that it may lie one pixel elsewhere in the mirror.
    gaps = np.hypot(192 - back[:, 0] - one[:, 0], back[:, 1] - one[:, 1])
    assert np.median(gaps) < 2
    assert gaps.max() < 6


@pytest.mark.parametrize(
    "box",
    [
        [0, 0, 192, 192],
        [-90, -90, 20, 20],
        [188, 188, 192, 192],
        [400, 400, 500, 500],
        [9, 9, 9, 9],
    ],
)
def test_any_box_has_an_answer_that_is_finite(movenet, box):
    found = movenet.poses(see(movenet, Image(drawn_person())), np.array([box], np.float32))
    assert found.joints.shape == (1, 17, 3)


def test_no_box_is_nobody(movenet):
    assert len(movenet.poses(see(movenet, Image(drawn_person())), np.zeros((0, 4)))) == 0


def test_what_another_engine_encoded_is_refused(movenet):
    fake = engines.load("fake").parts[0]
    with pytest.raises(ImageError, match="another engine encoded"):
        movenet.poses(see(fake, Image(drawn_person())), np.array([[0, 0, 9, 9]]))


@given(
    st.tuples(st.floats(-50, 250), st.floats(-50, 250), st.floats(0, 200), st.floats(0, 200)),
    st.integers(1, 40),
    st.integers(1, 40),
)
@settings(max_examples=60)
def test_a_square_shows_the_picture_where_it_meets_it(corner_and_sides, height, width):
    x, y, w, h = corner_and_sides
    pixels = np.arange(height * width, dtype=np.uint8).reshape(height, width, 1).repeat(3, 2)
    square = Square.around(np.array([x, y, x + w, y + h]))
    part = square.cut_from(pixels)
    assert part.shape == (square.side, square.side, 3)
    for row in range(max(0, square.y), min(height, square.y + square.side)):
        for column in range(max(0, square.x), min(width, square.x + square.side), 7):
            assert (part[row - square.y, column - square.x] == pixels[row, column]).all()


def test_two_looks_are_their_mean_where_they_agree_and_the_surer_one_elsewhere():
    straight = np.zeros((17, 3), np.float32)
    straight[:, :2], straight[:, 2] = (40, 50), 0.6
    mirrored = straight.copy()
    mirrored[:, 0] = 100 - 42  # 2 pixels to the right, seen in the mirror
    joined = join_looks(straight, mirrored, 100)
    assert np.allclose(joined, (41, 50, 0.6))
    mirrored[:, 0], mirrored[:, 2] = 100 - 80, 0.9
    assert np.allclose(join_looks(straight, mirrored, 100), (80, 50, 0.9))


def test_the_person_in_the_middle_wins_over_one_at_the_border():
    heads = Heads(*(np.full((48, 48, depth), -9.0, np.float32) for depth in (17, 1, 34, 34)))
    heads.reach[:], heads.offsets[:] = 0, 0
    for row, column, size in ((24, 24, 1.0), (4, 4, 2.0)):
        heads.middles[row, column] = size
        heads.joints[row, column] = size
    assert np.allclose(decode(heads)[:, :2], 96)


def test_files_that_are_missing_or_changed_are_told(tmp_path):
    options = EngineOptions(checkpoint=tmp_path)
    with pytest.raises(WeightsError, match="movenet wrote"):
        engines.load("movenet", options=options)
    for name in ("movenet.json", "movenet.onnx"):
        shutil.copy(FILES / name, tmp_path)
    assert engines.load(str(tmp_path)).has(PoseModel)
    (tmp_path / "movenet.onnx").write_bytes(b"other")
    engine = engines.load("movenet", options=options).get(PoseModel)
    with pytest.raises(WeightsError, match="sha256"):
        engine.poses(see(engine, Image(drawn_person())), np.array([[0, 0, 9, 9]]))


def test_it_says_whose_it_is():
    notice = (FILES / "NOTICE").read_text()
    assert all(word in notice for word in ("Apache License", "MIT License", "COCO"))
