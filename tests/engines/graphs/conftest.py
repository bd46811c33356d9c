"""Tiny networks: as the hub has them, and exported."""

import pytest

from exports import export, once


@pytest.fixture(scope="session")
def video_folders(tmp_path_factory):
    """SAM 2 for videos: `hub` and `onnx`."""
    from tiny_networks import CPU
    from tiny_video import come_and_go, tiny_video
    from wordmask.engines import sam

    def make(folder):
        come_and_go(tiny_video(blocks=(1, 1, 2, 1))).save_pretrained(folder / "hub")
        export(sam.load(str(folder / "hub"), CPU), folder / "onnx", ("image", "video"))

    return once(tmp_path_factory, "sam2-video", make)
