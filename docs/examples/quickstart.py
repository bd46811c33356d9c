from skimage.data import chelsea  # a CC0 photograph of a cat

import wordmask

# A path such as "cat.jpg", bytes, an array or a PIL picture work as well.
result = wordmask.segment(chelsea(), ["cat", "dog", "sofa"])

for region in result:
    print(f"{region.name} {region.score:.2f} at {region.box}, {region.area} pixels")
for word in result.absent:
    print(f"no {word.phrase}: best {word.best:.2f}, would need {word.needed:.2f}")

result.show()  # the overlay; in a notebook `result` alone shows it

# (height, width) integers: the index into result.vocabulary, -1 where nothing was found
labels = result.label_map()
