import numpy as np

import wordmask

# A scan of two balls in noise; yours: wordmask.read_volume("scan.nii.gz").
at = np.indices((40, 40, 24)).transpose(1, 2, 3, 0)
values = np.random.default_rng(0).normal(40, 5, at.shape[:3])
values[np.linalg.norm(at - (12, 14, 12), axis=-1) <= 8] += 80
values[np.linalg.norm(at - (28, 26, 11), axis=-1) <= 7] += 140
scan = wordmask.Volume(values.round().astype(np.int16), np.diag([1, 1, 2, 1]))

session = wordmask.volume_session(scan)
session.click((12, 14, 12))  # object 1
session.go_to(2)
session.click((28, 26, 11), plane="coronal")  # any plane will do
session.go_to(1)  # back to an earlier one
# "Not this", without which mini takes more than the ball.
session.click((36, 6, 12), keep=False)
session.click((2, 2, 2), keep=False)
session.undo()  # of the last click only
result = session.result
for solid in result.solids:
    print(solid.id, round(result.millilitres(solid.id), 2), "ml", solid.by)

wordmask.save_volume(result, "seg.nii.gz", surface="balls.ply")
