"""Weights on this machine: where they lie, fetched, checked, opened."""
