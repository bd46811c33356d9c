"""Benchmarks with pinned protocols."""
