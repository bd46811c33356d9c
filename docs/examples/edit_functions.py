import numpy as np
from skimage.data import coffee

from wordmask import Image, Masks, Result, engines
from wordmask.core.protocols import Inpainter
from wordmask.tasks import edit
from wordmask.tasks.effects.background import BackdropOptions, backdrop
from wordmask.tasks.effects.surface import RecolourOptions, recolour

image = Image(coffee()[100:300, 200:480], "coffee")

# Any mask will do: from words, from a click, from a file, or drawn like this disc.
y, x = np.mgrid[:200, :280]
disc = (y - 60) ** 2 + (x - 200) ** 2 < 20**2
result = Result.of(Masks.from_dense(disc))

painter = engines.load("patch", need=(Inpainter,)).get(Inpainter)
done = edit.remove(image, result, painter)
kept = ~done.touched
print("unchanged outside:", (done.image.pixels[kept] == image.pixels[kept]).all())

teal = recolour(image, result, RecolourOptions(colour="teal"))
sunset = backdrop(image, result, BackdropOptions(colour="navy", to="orange"))
print(teal, sunset)
