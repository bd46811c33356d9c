from skimage.data import chelsea, coffee  # CC0 photographs

import wordmask

# A video made of two photographs: a pan over a cat, a cut to a cup, the cat again.
cat, cup = chelsea(), coffee()
frames = [cat[k : 270 + k, 2 * k : 400 + 2 * k] for k in range(24)]
frames[8:14] = [cup[60:330, 40 + 4 * k : 440 + 4 * k] for k in range(6)]

for frame, result in wordmask.track(frames, ["cat", "dog"]):
    objects = [f"{region.name} {region.track_id}" for region in result]
    print(frame.index, objects, "not here:", [word.phrase for word in result.absent])

# Live: frame by frame, objects shown by clicks, corrected and forgotten at any time.
tracker = wordmask.tracker()
tracker.step(wordmask.Image(frames[0].copy()))
tracker.prompt([(200, 150)], word="my cat")
for pixels in frames[1:4]:
    result = tracker.step(wordmask.Image(pixels.copy()))
tracker.prompt([(20, 20, False)], id=1)  # "not this"
tracker.forget(1)
