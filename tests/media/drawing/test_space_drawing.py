"""Things in space on a strip of views, in a GIF and on a page."""

import base64
import json
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pil

from browser import MISSING, find_browser
from wordmask.core.mesh import Mesh
from wordmask.media.drawing import orbit
from wordmask.media.drawing.space_page import ShownThing, space_page
from wordmask.ops.space import grid_faces


def sheet(colour=(200, 30, 30), side=40, x=0.0):
    """A square of one colour that faces the camera, 3 away."""
    y, columns = np.mgrid[0:side, 0:side] / side - 0.5
    points = np.stack([columns + x, -y, np.full_like(y, -3)], 2).reshape(-1, 3)
    faces = grid_faces(np.ones((side, side), bool))
    colours = np.full((len(points), 3), colour, np.uint8)
    normals = np.broadcast_to([0, 0, 1.0], points.shape)
    return Mesh(points, normals, colours, faces)


def share_of(pixels, colour):
    return float((np.abs(pixels.astype(int) - colour).max(2) < 40).mean())


def views_of(strip):
    pixels = np.asarray(strip)
    return [pixels[: orbit.SIDE, k * orbit.SIDE : (k + 1) * orbit.SIDE] for k in range(5)]


def test_a_flat_thing_is_broad_from_the_front_and_narrow_from_the_side():
    strip = orbit.draw_strip([sheet()], lines=["up to scale"])
    shares = [share_of(view, (200, 30, 30)) for view in views_of(strip)]
    assert shares.index(max(shares)) == 2
    assert 0.05 < shares[0] < 0.6 * shares[2]
    assert strip.height > orbit.SIDE, "the lines stand below"


def test_what_is_right_comes_nearer_when_the_eye_goes_right():
    """Seen from the right, the right sheet covers more than the left one."""
    red, blue = sheet((220, 0, 0), x=-0.7), sheet((0, 0, 220), x=0.7)
    views = views_of(orbit.draw_strip([red, blue]))
    last = views[-1]
    assert share_of(last, (0, 0, 220)) > share_of(last, (220, 0, 0))


def test_the_near_thing_covers_the_far():
    near = sheet((20, 160, 20))
    far = Mesh(
        near.points * (2, 2, 2), near.normals, np.full((len(near), 3), (0, 0, 200), np.uint8)
    )
    view = views_of(orbit.draw_strip([near, far]))[2]
    middle = view[orbit.SIDE // 2, orbit.SIDE // 2].astype(int)
    assert middle[1] > middle[2]


def test_a_steep_surface_has_no_holes():
    mesh = sheet(side=12)
    view = views_of(orbit.draw_strip([mesh]))[2]
    inside = view[110:190, 110:190]
    assert share_of(inside, (200, 30, 30)) > 0.98


def test_boxes_are_drawn_around_things():
    corners = np.array([[x, y, z] for z in (-4, -2) for y in (-1, 1) for x in (-1, 1)], float)
    plain, boxed = (orbit.draw_strip([sheet((90, 90, 90))], boxes) for boxes in ([], [corners]))
    assert share_of(np.asarray(boxed), (210, 60, 40)) > share_of(np.asarray(plain), (210, 60, 40))


@pytest.mark.parametrize("meshes", [[], [Mesh(np.zeros((1, 3)))]])
def test_little_or_nothing_draws_too(meshes):
    assert orbit.draw_strip(meshes).size == (5 * orbit.SIDE, orbit.SIDE)


def test_a_gif_swings_and_says_the_scale():
    data = orbit.draw_turning([sheet(side=10)], line="up to scale")
    gif = Pil.open(BytesIO(data))
    assert gif.n_frames == orbit.GIF_FRAMES
    assert gif.height > orbit.SIDE


def page_of(mesh):
    box = np.zeros((8, 3))
    return space_page(
        [ShownThing(mesh, box, "chair <b>")], title="a & b", notes=["up to scale", "focal"]
    )


def test_a_page_holds_everything_and_asks_nobody():
    mesh = sheet(side=5)
    page = page_of(mesh)
    assert "chair &lt;b&gt;" in page
    assert "<p>up to scale</p>" in page
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=|https?://", page)
    data = json.loads(re.search(r"const things = (.*);", page)[1])[0]
    places = np.frombuffer(base64.b64decode(data["places"]), "<f4").reshape(-1, 3)
    np.testing.assert_array_equal(places, mesh.points)
    assert np.frombuffer(base64.b64decode(data["faces"]), "<u4").size == mesh.faces.size


@pytest.mark.skipif(find_browser() is None, reason=MISSING)
def test_a_browser_draws_it_and_turns_it_by_keys(tmp_path):
    from playwright.sync_api import sync_playwright

    (tmp_path / "page.html").write_text(page_of(sheet()))
    options = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=options)
        try:
            page = browser.new_page(viewport={"width": 300, "height": 400})
            faults = []
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.goto((tmp_path / "page.html").as_uri())
            page.evaluate("document.querySelector('aside').hidden = true")
            page.locator("#front").click()
            front = shown_red(page)
            page.locator("canvas").focus()
            for _ in range(12):
                page.keyboard.press("ArrowRight")
            assert front > 0.03
            assert shown_red(page) < 0.7 * front
            assert not faults
        finally:
            browser.close()


def shown_red(page):
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    shot = Pil.open(BytesIO(page.screenshot())).convert("RGB")
    return share_of(np.asarray(shot), (200, 30, 30))
