"""From masks and a depth map to things in space."""
