"""What a driver would want to know of a frame: growth, free road, motion, warnings."""
