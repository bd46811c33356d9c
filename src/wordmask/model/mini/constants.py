"""What the network `mini` and the engine that runs its export agree on. Imports no torch."""

WORDS = 256  # dimensions of the vectors that words and cells share
STRIDE, FINE = 8, 4  # pixels of the input per cell of the coarse and of the fine feature map
CANDIDATES = 3  # masks that the decoder proposes for each prompt

# Kinds of points. A box is two points, its corners; NOTHING marks padding.
NOTHING, NEGATIVE, POSITIVE, TOP_LEFT, BOTTOM_RIGHT = -1, 0, 1, 2, 3
