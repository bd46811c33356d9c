"""Regions of many pictures on disk, in LanceDB: the only place that knows its library."""
