"""Our side of the page "Coming from other tools", each part on the embedded model."""

from PIL import Image
from skimage.data import chelsea

Image.fromarray(chelsea()).save("cat.png")

# --8<-- [start:predictor]
import wordmask

session = wordmask.session("cat.png")  # encodes the picture once
result = session.click([(220, 150)])  # candidates, best first
masks, scores = result.masks.dense(), result.scores  # (N, H, W) bool, (N,)

result = session.click([(20, 20, False)])  # a second point: "not this"
result = session.click(box=(0, 0, 451, 300), words=["cat", "dog"])  # named as well
# --8<-- [end:predictor]

# --8<-- [start:everything]
options = wordmask.EverythingOptions(points_per_side=8)
for region in wordmask.everything("cat.png", options=options):
    print(region.box, region.area, region.score, region.mask.shape)
# --8<-- [end:everything]

# --8<-- [start:words]
result = wordmask.segment("cat.png", ["cat", "dog"])
for region in result:
    print(region.name, region.score, region.box)
print([word.phrase for word in result.absent])  # what is not in the picture
# --8<-- [end:words]

# --8<-- [start:threshold]
options = wordmask.SegmentOptions(how="grounded", min_confidence=0.35)
result = wordmask.segment("cat.png", ["cat", "dog"], options=options)
result.show("cat.overlay.png")
# --8<-- [end:threshold]

# --8<-- [start:yolo]
result.save("cat.txt")  # YOLO: one polygon for each region, and classes.txt beside it
# --8<-- [end:yolo]
