"""wordmask: name it, get its mask."""

__version__ = "0.1.0"
