"""Volumes on disk: NIfTI, series of DICOM slices, NRRD; and what is written of them."""
