"""Looks for what was found: one look, one function."""
