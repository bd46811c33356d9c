from pathlib import Path

from PIL import Image
from skimage.data import chelsea, coffee  # CC0 photographs

import wordmask

Path("photos").mkdir()
Image.fromarray(chelsea()).save("photos/cat.jpg")
Image.fromarray(coffee()).save("photos/coffee.jpg")

tally = wordmask.index("photos", "photos.lance")  # run it again any time
print(tally.line())

query = wordmask.SearchQuery(unwanted=("toy",), where="width > ?", values=(100,))
answer = wordmask.find("photos.lance", ["cat", "cup", "zebra"], query=query)
for hit in answer.hits:
    print(hit.word, hit.score, Path(hit.row.path).name, hit.copies)
for word in answer.absent:
    print("not here:", word.phrase, word.best, word.needed)

cat = wordmask.click("photos/cat.jpg", [(220, 150)])[:1]
alike = wordmask.find("photos.lance", like=cat)
for path, result in alike.results().items():  # a result for each picture
    print(path.name, len(result.to("fiftyone")["detections"]))
