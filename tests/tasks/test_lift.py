"""Things lifted from a rendered room, where every size is known."""

import numpy as np
import pytest

from wordmask.core.depth import Camera, Depth
from wordmask.core.image import Image
from wordmask.core.masks import Masks
from wordmask.core.result import Absent, Result
from wordmask.errors import MaskError, PromptError
from wordmask.lab.bench.rendered_boxes import SCENE, render_boxes
from wordmask.tasks.lift import Measured, choose_camera, lift
from wordmask.tasks.lifting.options import LiftOptions
from wordmask.tasks.lifting.scale import (
    KnownDepth,
    guess_distances,
    known_from_sizes,
    longest_side,
    measure_distances,
)

SIZE = (480, 640)
CAMERA = Camera.of(SIZE, 520)
NAMES = ("crate", "bench", "post", "parcel")


@pytest.fixture(scope="module")
def room():
    return render_boxes(SCENE, CAMERA, SIZE)


def result_of(masks):
    return Result.of(
        Masks.from_dense(masks), NAMES, scores=[0.9, 0.8, 0.7, 0.6], label_ids=range(4)
    )


def metric(room):
    return Depth(room.z, metric=True, inverse=False)


def worst_error(lifted, factor=1.0):
    """The largest relative error of any side of any box."""
    errors = []
    for region in lifted.regions:
        real = np.sort(SCENE[region.row].sides)[::-1]
        errors.append(np.abs(region.box.sides * factor / real - 1).max())
    return max(errors)


def test_sizes_of_boxes_are_right_within_3_percent(room):
    lifted = lift(Image(room.pixels), result_of(room.masks), metric(room), CAMERA)
    assert [region.name for region in lifted.regions] == list(NAMES)
    assert worst_error(lifted) < 0.03
    assert not any(region.cut_off for region in lifted.regions)
    assert lifted.metric
    for region, box in zip(lifted.regions, SCENE, strict=True):
        assert region.distance == pytest.approx(-box.centre[2], abs=0.6)
        assert np.linalg.norm(region.box.centre - box.centre) < 0.05
        real = np.sort(box.sides)[::-1]
        assert (np.abs(region.box.sides - real) < region.errors + 1e-9).all()


def known_in(room, count=60, wrong=0.2, seed=1):
    """Depths at places of the room, some of which somebody got wrong."""
    rng = np.random.default_rng(seed)
    y, x = rng.integers(0, SIZE[0], count), rng.integers(0, SIZE[1], count)
    factor = np.where(np.arange(count) < wrong * count, rng.uniform(1.5, 3, count), 1)
    return [
        KnownDepth(float(room.z[row, column]) * by, column + 0.5, row + 0.5)
        for row, column, by in zip(y, x, factor.tolist(), strict=True)
    ]


@pytest.mark.parametrize("inverse", [True, False])
def test_known_depths_of_which_a_fifth_is_wrong_give_metres(room, inverse):
    values = (7 / room.z - 1.3 if inverse else 0.4 * room.z - 2).astype(np.float32)
    depth = Depth(values, inverse=inverse)
    lifted = lift(Image(room.pixels), result_of(room.masks), depth, CAMERA, known_in(room))
    assert worst_error(lifted) < 0.03
    assert lifted.notes[0] == "in metres, by 48 of 60 known depths or sizes that agree"


def test_without_anything_known_it_is_up_to_scale_and_says_so(room):
    depth = Depth((3 / room.z).astype(np.float32), usual_shift=0.0)
    lifted = lift(Image(room.pixels), result_of(room.masks), depth, CAMERA)
    assert not lifted.metric
    assert lifted.notes[0].startswith("up to scale")
    assert all("up to scale" in lifted.line(region) for region in lifted.regions)
    assert worst_error(lifted, float(np.median(room.z))) < 0.03


def test_the_size_of_one_thing_gives_metres_to_all(room):
    depth = Depth((3 / room.z).astype(np.float32), usual_shift=0.0)
    result = result_of(room.masks)
    known = known_from_sizes(result.masks[2:3], [1.7], ["post"], CAMERA)
    lifted = lift(Image(room.pixels), result, depth, CAMERA, known)
    assert lifted.metric
    assert worst_error(lifted) < 0.1  # an upright post is not quite flat to the picture
    assert lifted.notes[0] == "in metres, by one known depth or size"


def test_a_thing_cut_off_by_the_edge_tells_no_scale_and_is_marked():
    camera = Camera.of((200, 300), 520)
    room = render_boxes(SCENE, camera.crop(-20, 20), (200, 300))
    masks = room.masks[:1]
    with pytest.raises(PromptError, match="crate is cut off"):
        known_from_sizes(Masks.from_dense(masks), [1.0], ["crate"], camera)
    result = Result.of(Masks.from_dense(masks), ("crate",), label_ids=[0])
    lifted = lift(Image(room.pixels), result, metric(room), camera)
    assert lifted.regions[0].cut_off
    assert "cut off" in lifted.line(lifted.regions[0])


def test_things_come_with_points_colours_normals_and_triangles(room):
    lifted = lift(Image(room.pixels), result_of(room.masks), metric(room), CAMERA)
    mesh = lifted.regions[3].mesh
    corners = mesh.points[mesh.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((across * -corners[:, 0]).sum(1) > 0).all(), "triangles face the camera"
    assert ((mesh.normals * -mesh.points).sum(1) > 0).all()
    assert np.unique(mesh.colours).size <= 3  # a face has one colour
    bare = lift(
        Image(room.pixels), result_of(room.masks), metric(room), CAMERA,
        options=LiftOptions(surface=False, max_points=500),
    )  # fmt: skip
    assert all(region.mesh.faces is None for region in bare.regions)
    assert all(250 < len(region.mesh) < 1000 for region in bare.regions)
    assert worst_error(bare) < 0.12  # thinned out to 500 points, a grazing face has few of them


def test_depth_that_bleeds_over_the_edge_is_thrown_away_and_regrown(room):
    """Networks blend the near thing with the far at its edge."""
    import cv2

    blurred = cv2.GaussianBlur(room.z, (0, 0), 2)
    depth = Depth(blurred, metric=True, inverse=False)
    parcel = Result.of(Masks.from_dense(room.masks[3:]), ("parcel",), label_ids=[0])
    kept = lift(Image(room.pixels), parcel, depth, CAMERA, options=LiftOptions(erode=4))
    raw = LiftOptions(erode=0, edge_deg=90, deviations=1000)
    whole = lift(Image(room.pixels), parcel, depth, CAMERA, options=raw)
    real = np.sort(SCENE[3].sides)[::-1]
    assert np.abs(kept.regions[0].box.sides / real - 1).max() < 0.1
    assert whole.regions[0].box.sides.prod() > 2 * real.prod()


def test_a_noisy_network_s_relief_is_smoothed_away(room):
    noise = np.random.default_rng(0).normal(1, 0.05, room.z.shape)
    z = (np.full(room.z.shape, 3.0) * noise).astype(np.float32)
    result = Result.of(Masks.from_dense(room.masks[:1]), ("crate",), label_ids=[0])
    flat, rough = (
        lift(
            Image(room.pixels), result, Depth(z, metric=True, inverse=False, smoothing=share),
            CAMERA, options=LiftOptions(edge_deg=90),
        ).regions[0].box.sides
        for share in (0.2, 0.0)
    )  # fmt: skip
    assert flat[2] < 0.03
    assert rough[2] > 0.3


# ---- the camera


def test_who_tells_the_focal_length():
    image, depth = Image(np.zeros((480, 640, 3), np.uint8)), Depth(np.ones((480, 640)))
    told = Depth(np.ones((480, 640)), metric=True, focal_px=700)
    assert choose_camera(image, told, LiftOptions(focal_px=500), 28).focal[0] == 500
    by_view = choose_camera(image, told, LiftOptions(view_deg=90), 28)
    assert (by_view.focal[0], by_view.source) == (pytest.approx(320), "given")
    by_exif = choose_camera(image, told, LiftOptions(), 36)
    assert (by_exif.focal[0], by_exif.source) == (640, "exif")
    assert choose_camera(image, told, LiftOptions()).focal[0] == 700
    assert choose_camera(image, depth, LiftOptions()).source == "assumed"


def test_exif_follows_a_picture_that_was_turned_or_scaled():
    depth = Depth(np.ones((640, 480)))
    upright = Image(np.zeros((640, 480, 3), np.uint8))
    assert choose_camera(upright, depth, LiftOptions(), 36).focal == (640, 640)
    half = Image(np.zeros((320, 240, 3), np.uint8))
    assert choose_camera(half, depth, LiftOptions(), 36).focal == (320, 320)


def test_metres_of_a_network_that_guessed_the_focal_length_follow_the_real_one():
    depth = Depth(np.full((4, 4), 2.0), metric=True, inverse=False, focal_px=100)
    assert guess_distances(depth, Camera.of((4, 4), 150))[0, 0] == pytest.approx(3)
    own = Camera.of((4, 4), 100, "network")
    assert guess_distances(depth, own)[0, 0] == pytest.approx(2)


# ---- scale


def test_what_would_lie_behind_the_camera_is_nowhere():
    distances = guess_distances(
        Depth(np.array([[1.0, 1, 1, 1, -2]]), usual_shift=0.0), Camera.of((1, 5), 5)
    )
    np.testing.assert_allclose(distances, [[1, 1, 1, 1, np.nan]])


@pytest.mark.parametrize("inverse", [True, False])
def test_a_network_that_sees_no_depth_gives_a_wall(inverse):
    flat = Depth(np.full((3, 4), 0.7, np.float32), inverse=inverse)
    distances = measure_distances(flat, Camera.of((3, 4), 4), [KnownDepth(2.0, 1, 1)])
    np.testing.assert_allclose(distances.z, 2, rtol=1e-5)


def test_a_place_where_nothing_sensible_is_known_is_told():
    values = np.array([[1.0, 1, 1, -5]], np.float32)
    with pytest.raises(PromptError, match="measure another place"):
        measure_distances(
            Depth(values, usual_shift=0.0),
            Camera.of((1, 4), 4),
            [KnownDepth(2.0, mask=draw_one(3))],
        )


def test_known_depths_close_together_only_tell_the_scale():
    depth = Depth(np.array([[1.0, 0.9, 0.5, 0.25]], np.float32), usual_shift=0.0)
    known = [KnownDepth(2.0, 0.5, 0.5, draw_one(0)), KnownDepth(2.2, 1.5, 0.5, draw_one(1))]
    distances = measure_distances(depth, Camera.of((1, 4), 4), known)
    np.testing.assert_allclose(distances.z, 2 / depth.values, rtol=0.02)
    assert distances.shape_is_guessed


def draw_one(column):
    mask = np.zeros((1, 4), bool)
    mask[0, column] = True
    return mask


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(KnownDepth(0.0, 1, 0), id="no distance"),
        pytest.param(KnownDepth(float("nan"), 1, 0), id="no number"),
        pytest.param(KnownDepth(1.0, 9, 0), id="outside"),
        pytest.param(KnownDepth(1.0, mask=np.zeros((1, 4), bool)), id="an empty mask"),
    ],
)
def test_what_cannot_be_known_is_refused(known):
    with pytest.raises(PromptError):
        measure_distances(Depth(np.ones((1, 4))), Camera.of((1, 4), 4), [known])


def test_the_longest_side_is_measured_at_any_angle():
    import cv2

    upright = np.zeros((100, 100), bool)
    upright[20:80, 40:60] = True
    turn = cv2.getRotationMatrix2D((50, 50), 30, 1)
    turned = cv2.warpAffine(upright.astype(np.uint8), turn, (100, 100)).astype(bool)
    assert longest_side(upright) == pytest.approx(60)
    assert longest_side(turned) == pytest.approx(60, abs=2)


# ---- nothing to lift


def test_words_that_were_not_found_are_told_with_their_scores():
    image = Image(np.zeros((4, 4, 3), np.uint8), "room.jpg")
    nothing = Result.nothing((4, 4), ("cat",), absent=(Absent("cat", 0.1, 0.4),))
    message = "nothing to lift in room.jpg: no region was found .cat: best 0.10, needs 0.40"
    with pytest.raises(PromptError, match=message):
        lift(image, nothing, Depth(np.ones((4, 4))))


def test_an_empty_and_a_tiny_mask_are_told_and_the_others_lifted(room):
    masks = room.masks.copy()
    masks[1] = False
    masks[2] = False
    masks[2, 300:303, 300:303] = True
    lifted = lift(Image(room.pixels), result_of(masks), metric(room), CAMERA)
    assert [region.name for region in lifted.regions] == ["crate", "parcel"]
    assert dict(lifted.skipped)["bench"] == "its mask is empty"
    assert "9 points are left" in dict(lifted.skipped)["post"]
    with pytest.raises(PromptError, match="nothing to lift"):
        lift(Image(room.pixels), result_of(masks)[[1, 2]], metric(room), CAMERA)


def test_picture_result_and_depth_are_of_one_size(room):
    small = Depth(room.z[::2, ::2], metric=True, inverse=False)
    with pytest.raises(MaskError, match="one picture"):
        lift(Image(room.pixels), result_of(room.masks), small, CAMERA)


def test_nothing_measured_is_a_value():
    assert Measured() == Measured((), ())
