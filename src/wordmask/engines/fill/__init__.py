"""Painters: what fills a hole in a picture.

    opencv     telea, navier-stokes: smooth, for scratches and small holes
    patch      ours: continues the texture around the hole; offline, the default
    lama       a LaMa-type ONNX file of the user's: one forward pass, good on large holes
    diffusion  Stable Diffusion and other diffusers pipelines: paint what words say; extra `edit`

Licences and safety: docs/editing.md.
"""
