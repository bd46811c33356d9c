"""Pure functions on boxes, masks and results. No files, no weights, no state."""
