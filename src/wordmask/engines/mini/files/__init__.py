"""The shipped weights of `mini`."""

from pathlib import Path

FILES = Path(__file__).parent
