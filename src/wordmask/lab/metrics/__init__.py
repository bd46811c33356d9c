"""Figures of merit: pure functions of truth and answer, no files, no weights.

Each measures one picture into counts that add up, and makes the figure from the sum over a set, so
that a set of any length needs the memory of one picture.
"""
