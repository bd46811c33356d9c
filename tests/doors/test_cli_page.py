"""`wordmask page` through the real command line."""

import subprocess
import time
import urllib.request

import cv2
import numpy as np
import pytest

from commands import RUN

pytest.importorskip("fastapi", reason="the extra `serve` is missing: the page cannot be served")


def test_the_page_is_served_for_a_folder(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((60, 80, 3), np.uint8))
    log = tmp_path / "log"
    command = [*RUN, "page", str(tmp_path), "--model", "fake", "--no-browser"]
    with log.open("wb") as file, subprocess.Popen(command, stderr=file, stdout=file) as process:
        try:
            while "http://" not in log.read_text():
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
            address = next(word for word in log.read_text().split() if word.startswith("http://"))
            with urllib.request.urlopen(address) as answer:
                assert b"page/main.js" in answer.read()
            with urllib.request.urlopen(f"{address}v1/folder") as answer:
                assert b"a.png" in answer.read()
        finally:
            process.kill()


def test_a_folder_that_is_none_is_said(tmp_path):
    command = [*RUN, "page", str(tmp_path / "nowhere"), "--no-browser"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "is no folder" in done.stderr
    assert "Traceback" not in done.stderr
