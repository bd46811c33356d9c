"""How words become masks."""
