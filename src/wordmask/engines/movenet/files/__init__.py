"""The shipped network of `movenet`, its settings, and whose it is (NOTICE)."""

from pathlib import Path

FILES = Path(__file__).parent
