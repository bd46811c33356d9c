"""The embedded default engine and its weights."""
