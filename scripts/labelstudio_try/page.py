"""A smart click in Label Studio's own page, accepted and submitted: ADDRESS PROJECT TASK OUT.png.

Runs in Label Studio's environment, which has Playwright; the browser is the system's chromium.
"""

import os
import shutil
import sys

from playwright.sync_api import sync_playwright

address, project, task, out = sys.argv[1:5]
LABEL_OF_POINTS = 1  # in the order of the interface: brush, keypoint, rectangle

with sync_playwright() as play:
    browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1400, "height": 950})
    page.goto(f"{address}/user/login/")
    page.fill("input[name=email]", os.environ["LABEL_STUDIO_USERNAME"])
    page.fill("input[name=password]", os.environ["LABEL_STUDIO_PASSWORD"])
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "login" not in url)
    page.goto(f"{address}/projects/{project}/data?task={task}")
    page.get_by_text("Auto-Annotation").wait_for(timeout=60_000)
    page.wait_for_timeout(3000)  # until the editor has placed its canvas
    page.get_by_label("Create an annotation").click()
    page.wait_for_timeout(1500)
    page.get_by_text("Auto-Annotation").click()
    page.locator(".lsf-tool_smart").first.hover()
    page.locator(".lsf-tool_smart[aria-label=key-point-tool]").click()
    page.locator(".lsf-label").nth(LABEL_OF_POINTS).click()
    box = page.locator("canvas").first.bounding_box()
    place = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    with page.expect_response("**/interactive-annotating"):
        page.mouse.click(*place)
    suggestion = page.get_by_text("1 suggestions")
    suggestion.wait_for()
    page.wait_for_timeout(1500)
    page.screenshot(path=out)
    suggestion.locator("xpath=following::button[2]").click()
    page.wait_for_timeout(500)
    with page.expect_response(lambda answer: "/annotations" in answer.url):
        page.get_by_label("Submit current annotation").click()
    browser.close()
