"""ViTPose with tiny random weights, through the real loaders, against transformers' own steps."""

import numpy as np
import pytest

from seeing import see
from tiny_networks import CPU, perturb, picture, torch, transformers
from wordmask import engines
from wordmask.core.image import Image
from wordmask.core.poses import JOINTS
from wordmask.core.prompts import Boxes
from wordmask.core.protocols import PoseModel
from wordmask.engines.vitpose import Frame, find_peak
from wordmask.errors import ImageError, WeightsError
from wordmask.tasks.pose import pose

pytest.importorskip(
    "scipy", reason="transformers' own steps need scipy: pip install 'wordmask[dev]'"
)

# Inside the picture with what is around them: at its edge scipy and OpenCV fade out differently.
BOXES = np.array([[20, 15, 40, 40], [30, 20, 50, 35], [14, 20, 30, 38]], np.float32)
OUTSIDE = np.array([[-4.5, 2, 30, 20], [60, 30, 95, 59]], np.float32)


def tiny(experts=1, joints=17):
    t = transformers
    torch.manual_seed(4)
    backbone = t.VitPoseBackboneConfig(
        image_size=[64, 48], patch_size=[16, 16], hidden_size=32, num_hidden_layers=2,
        num_attention_heads=2, mlp_ratio=2, num_experts=experts, part_features=8,
    )  # fmt: skip
    config = t.VitPoseConfig(
        backbone_config=backbone, num_labels=joints, use_simple_decoder=experts == 1
    )
    return perturb(t.VitPoseForPoseEstimation(config), 0.05)


@pytest.fixture(scope="module", params=[1, 6], ids=["vitpose", "experts"])
def folder(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("vitpose")
    tiny(request.param).save_pretrained(path)
    return path, request.param


def load(path):
    return engines.load(str(path), need=(PoseModel,), options=CPU).get(PoseModel)


def xywh(boxes):
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)


def test_joints_are_the_librarys(folder):
    path, experts = folder
    image, engine = picture(), load(path)
    processor = transformers.VitPoseImageProcessorPil(size={"height": 64, "width": 48})
    people = [xywh(BOXES).tolist()]
    inputs = processor([image.pixels], boxes=people, return_tensors="pt")
    more = {"dataset_index": torch.zeros(len(BOXES), dtype=torch.int64)} if experts > 1 else {}
    with torch.no_grad():
        out = tiny(experts)(**inputs, **more)
    (expected,) = processor.post_process_pose_estimation(out, boxes=people)
    found = engine.poses(see(engine, image), BOXES)
    assert found.names == JOINTS
    for row, wanted in enumerate(expected):
        assert np.abs(found.joints[row, :, 2] - wanted["scores"].numpy().clip(0, 1)).max() < 0.01
        # Warped pixels are rounded by both, not alike: a peak between two cells may be either.
        gaps = np.hypot(*(found.joints[row, :, :2] - wanted["keypoints"].numpy()).T)
        assert np.median(gaps) < 0.3


def test_the_pixels_are_the_librarys(folder):
    y, x = np.mgrid[:60, :80]
    image = Image(np.stack([2 * x, 3 * y, x + y], 2).astype(np.uint8))
    processor = transformers.VitPoseImageProcessorPil(size={"height": 64, "width": 48})
    people = [xywh(BOXES).tolist()]
    wanted = processor([image.pixels], boxes=people, return_tensors="pt")["pixel_values"]
    frames = [Frame.around(box, (64, 48)) for box in BOXES]
    found = load(folder[0]).pixels(image.pixels, frames)
    assert found.shape == wanted.shape
    assert (found - wanted).abs().mean() < 0.02


@pytest.mark.parametrize("place", [(10.3, 7.8), (4.0, 12.0), (5.4, 3.5)])
def test_a_peak_between_cells_is_found(place):
    y, x = np.mgrid[:16, :20].astype(np.float32)
    plane = np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * 2.0**2))
    assert np.abs(find_peak(plane) - place).max() < 0.05


def test_a_flat_map_has_some_peak_and_no_confidence(folder):
    assert np.isfinite(find_peak(np.zeros((16, 12), np.float32))).all()


def test_people_at_the_edge_have_joints_too(folder):
    engine = load(folder[0])
    found = engine.poses(see(engine, picture()), OUTSIDE)
    assert found.joints.shape == (2, 17, 3)


def test_no_box_is_nobody(folder):
    engine = load(folder[0])
    assert len(engine.poses(see(engine, picture()), np.zeros((0, 4)))) == 0


def test_what_another_engine_encoded_is_refused(folder):
    engine, other = load(folder[0]), engines.load("movenet").get(PoseModel)
    with pytest.raises(ImageError, match="another engine encoded"):
        engine.poses(see(other, picture()), BOXES)


def test_other_joints_than_cocos_are_refused(tmp_path):
    tiny(joints=21).save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match="21 joints"):
        load(tmp_path)


def test_people_have_its_joints_beside_any_segmenter(folder):
    """Several people in one region stay one: it cannot tell."""
    models = engines.load(f"fake+{folder[0]}", need=(PoseModel,), options=CPU)
    image = Image(np.full((60, 80, 3), 255, np.uint8))
    found = pose(image, models, Boxes(np.array([[10, 5, 50, 55]], np.float32)))
    assert len(found.result) == len(found.poses) == 1
    assert any("@sha256:" in name for name in found.result.made_by)
