from skimage.data import coffee  # CC0 photograph

import wordmask
from wordmask.media.formats.ply import write_ply

# The spoon's end at 400, 300 is 45 cm from the camera.
measured = wordmask.Measured(depths=((400, 300, 0.45),))
options = wordmask.LiftOptions(view_deg=50)
lifted = wordmask.lift(coffee(), "cup", measured=measured, options=options)
for region in lifted.regions:
    print(lifted.line(region))  # cup: 0.33 x 0.26 x 0.07 m (+- ...
    write_ply(f"{region.name}-{region.row}.ply", region.mesh, lifted.notes)
print(*lifted.notes, sep="\n")
