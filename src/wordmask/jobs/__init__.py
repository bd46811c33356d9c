"""From names and files to finished answers; no flag and no HTTP."""
