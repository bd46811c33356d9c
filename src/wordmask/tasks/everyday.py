"""Everyday words: what regions are named among where nobody gives a list of words."""

EVERYDAY_WORDS = tuple(
    word.strip()
    for word in """
person, man, woman, child, baby, face, hand, hair, crowd, bride, soldier, cyclist, skier, surfer,
dog, cat, horse, cow, sheep, pig, goat, elephant, bear, zebra, giraffe, lion, tiger, monkey, deer,
rabbit, mouse, bird, duck, swan, chicken, eagle, owl, parrot, penguin, fish, shark, whale, dolphin,
turtle, snake, frog, lizard, butterfly, bee, spider, insect, shell,
car, truck, bus, van, train, tram, bicycle, motorcycle, scooter, airplane, helicopter, boat, ship,
sailboat, kayak, tractor, taxi, ambulance, wheel, tyre, license plate, headlight,
road, street, sidewalk, crosswalk, bridge, railway, parking lot, traffic light, traffic sign,
stop sign, street lamp, pole, fence, gate, wall, bench, fire hydrant, parking meter, mailbox,
trash can, fountain, statue, flag, billboard, tent,
building, house, skyscraper, church, castle, tower, barn, garage, shop, roof, chimney, balcony,
stairs, door, window, column, brick wall, ceiling, floor, carpet, tiles,
sky, cloud, sun, moon, rainbow, mountain, hill, rock, cliff, cave, desert, sand, beach, sea, wave,
lake, river, waterfall, pool, water, ice, snow, fire, smoke, soil, mud, field, grass, tree, forest,
palm tree, bush, flower, leaf, branch, mushroom, cactus, potted plant, garden, path,
chair, armchair, sofa, table, desk, bed, pillow, blanket, curtain, lamp, shelf, bookcase, cabinet,
drawer, wardrobe, mirror, picture frame, painting, poster, clock, vase, candle, fireplace, rug,
towel, bathtub, shower, sink, toilet, toilet paper, soap, faucet, toothbrush, hair drier,
kitchen, oven, stove, microwave, toaster, refrigerator, dishwasher, washing machine, kettle, pot,
pan, plate, bowl, cup, mug, glass, wine glass, bottle, can, fork, knife, spoon, chopsticks,
cutting board, napkin, tray, basket, box, bag, jar,
food, bread, sandwich, hamburger, hot dog, pizza, pasta, rice, soup, salad, meat, sausage, egg,
cheese, cake, cookie, donut, chocolate, ice cream, candy, fruit, apple, banana, orange, lemon,
strawberry, grapes, pineapple, watermelon, tomato, potato, carrot, broccoli, onion, pepper,
cucumber, corn, pumpkin, coffee, tea, juice, milk, beer, wine,
television, computer, laptop, monitor, keyboard, computer mouse, cell phone, telephone, tablet,
camera, remote control, speaker, headphones, microphone, radio, printer, cable, battery, fan,
book, newspaper, magazine, paper, pen, pencil, scissors, map, envelope, stamp, calendar, sign,
toy, teddy bear, doll, balloon, ball, kite, frisbee, skateboard, snowboard, skis, surfboard,
baseball bat, baseball glove, tennis racket, golf club, football, basketball, goal, swing, slide,
guitar, piano, violin, drum, trumpet,
shirt, t-shirt, jacket, coat, suit, tie, dress, skirt, trousers, jeans, shorts, shoe, boot, sandal,
sock, hat, cap, helmet, glove, scarf, belt, glasses, sunglasses, watch, ring, necklace, earring,
backpack, handbag, suitcase, umbrella, wallet, uniform, swimsuit,
hammer, saw, drill, screwdriver, wrench, axe, shovel, rake, ladder, rope, chain, bucket, broom,
hose, wheelbarrow, crane, engine, machine, pipe, tank, barrel, crate, shopping cart, stroller,
wheelchair, coin, banknote, gun, sword, key, lock, bell, cross, graffiti, text, logo
""".replace("\n", " ").split(",")
)
