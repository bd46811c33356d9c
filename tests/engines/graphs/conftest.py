"""Tiny networks: as the hub has them, and exported."""

import pytest

from exports import sam2_video


@pytest.fixture(scope="session")
def video_folders(tmp_path_factory):
    """SAM 2 for videos: `hub` and `onnx`."""
    return sam2_video(tmp_path_factory)
