"""The world's edge: pictures and videos in, pictures and files out. Import its modules by name."""
