from skimage.data import astronaut  # a photograph of NASA, public domain

import wordmask

people = wordmask.pose(astronaut())  # or boxes=[(x0, y0, x1, y1), ...]
for region, joints in zip(people.result, people.poses.joints, strict=True):
    print(region.name, region.score)
    for name, (x, y, confidence) in zip(people.poses.names, joints, strict=True):
        if confidence > 0.3:
            print("   ", name, round(x), round(y))

parts = people.parts  # a result like any other, with the part as name
for part, owner in zip(parts, people.owners, strict=True):
    print(part.name, part.area, "of person", owner)
parts.select("left arm").save("left_arm.json")

# With their joints; as people.coco.json in the words of COCO.
wordmask.save_people(people, "people.json")
print(wordmask.read_people("people.json").poses.joints.shape)  # (people, 17, 3)
