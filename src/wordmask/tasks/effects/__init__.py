"""Looks for what was found: one look, one function; `table.EFFECTS` lists them.

All are pure functions (Image, Result, options) -> Image, fast enough for live frames. All regions
of the result together are the object. Colours change on whole crops (a conversion wants a picture,
not a list of pixels) and come back through a soft matte; what the effect does not mean keeps its
bytes.
"""
