from skimage.data import chelsea

import wordmask

session = wordmask.session(chelsea())  # encodes the picture once

first = session.click([(220, 150)], words=["cat", "cushion"])  # candidates, best first
second = session.click([(20, 20, False)])  # "not this": clicks add up
session.undo()

print(first.one().name, first.one().area, second.one().why.prompt)
