"""Rasters of any size: read in windows, and what was found in them as maps."""
