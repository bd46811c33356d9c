from PIL import Image
from skimage.data import coffee  # a CC0 photograph

import wordmask

Image.fromarray(coffee()).save("coffee.jpg")

answer = wordmask.ask("coffee.jpg", "how many cups are on the table?")
print(answer.text, answer.score, answer.how)  # 1 0.88 rule: count
for region in answer.evidence:
    print(region.name, region.box)

answer = wordmask.ask("coffee.jpg", "what colour is the dog?")
print(answer.text, answer.reason, answer.looked_for)  # unknown: no dog was found
