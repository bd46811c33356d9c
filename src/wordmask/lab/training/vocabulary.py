"""The words that training knows, which exclude each other, and what each label of a set says.

A pixel labelled `c` in set S says: one of the words that mean c, and no other word of S. About a
word that S does not list it says something only if both cannot hold at once: "sky" is no "dog", but
"jeans" may be on a "person". A `LabelRow` holds that, and the losses turn it into a marginal
likelihood.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What a set calls a thing -> the word that training uses. OTHER_NAMES are shown to the network as
# well.
SAME = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
    "television": "tv",
    "pedestrian": "person",
    "building facade": "building",
    "house": "building",
    "books": "book",
    "painting": "picture",
    "shelf": "shelves",
    "rug": "floor mat",
    "field": "grass",
    "sea": "water",
    "street": "road",
    "plants": "plant",
    "cyclist": "cyclist",
    "armchair": "armchair",
    "motorcycle with rider": "motorcyclist",
}

OTHER_NAMES = {
    "airplane": ("aeroplane", "plane", "jet"),
    "dining table": ("table",),
    "motorcycle": ("motorbike", "moped"),
    "potted plant": ("plant in a pot", "houseplant"),
    "couch": ("sofa", "settee"),
    "tv": ("television", "monitor", "tv monitor", "screen"),
    "person": ("man", "woman", "people", "human", "pedestrian", "child", "boy", "girl"),
    "building": ("house", "facade"),
    "book": ("books",),
    "picture": ("painting", "picture on the wall"),
    "shelves": ("shelf",),
    "floor mat": ("rug", "carpet"),
    "grass": ("lawn", "field"),
    "water": ("sea", "river", "lake"),
    "road": ("street", "asphalt"),
    "plant": ("plants", "bush"),
    "cow": ("cattle",),
    "cell phone": ("mobile phone", "smartphone"),
    "bicycle": ("bike",),
    "car": ("automobile",),
    "dog": ("puppy",),
    "cat": ("kitten",),
    "sidewalk": ("pavement",),
    "remote": ("remote control",),
    "mouse": ("computer mouse",),
    "hair drier": ("hair dryer",),
    "refrigerator": ("fridge",),
    "cup": ("mug",),
    "donut": ("doughnut",),
    "handbag": ("purse",),
    "tree": ("trees",),
    "sky": ("clouds",),
    "bag": ("bags",),
    "night stand": ("bedside table",),
    "sports ball": ("ball",),
    "truck": ("lorry",),
    "bird": ("birds",),
    "curtain": ("curtains", "drapes"),
    "lamp": ("light",),
    "earth": ("ground", "dirt", "soil"),
    "sheep": ("lamb",),
    "boat": ("ship",),
    "wall": ("walls",),
    "floor": ("flooring",),
    "pole": ("post",),
    "traffic sign": ("road sign",),
    "fence": ("railing",),
}

# Words that may hold at the same place, or that annotators use for the same thing. A pixel that has
# one of them is no evidence against the others.
OVERLAPS = (
    ("bag", "handbag", "backpack", "suitcase", "purse", "wallet"),
    ("table", "dining table", "desk", "counter", "night stand"),
    ("cabinet", "dresser", "shelves", "bookshelf", "night stand", "counter"),
    ("chair", "armchair", "couch", "bench"),
    ("plant", "potted plant", "tree", "grass", "vase"),
    ("earth", "grass", "road", "sidewalk", "floor", "mountain", "sand"),
    (
        "person",
        "cyclist",
        "dancer",
        "jumping person",
        "kite surfer",
        "motorcyclist",
        "scooter with rider",
        "soapbox cart with people",
        "paraglider",
        "diver",
    ),
    ("bicycle", "cyclist"),
    ("motorcycle", "motorcyclist", "scooter with rider"),
    ("window", "blinds", "curtain"),
    ("curtain", "shower curtain"),
    ("bookshelf", "book"),
    ("bed", "pillow"),
    ("picture", "paper", "whiteboard"),
    ("building", "wall", "window", "door"),
    ("traffic sign", "stop sign", "traffic sign or street lamp", "pole", "traffic light"),
    ("water", "boat"),
    ("clothes", "tie", "towel"),
    ("kite", "paraglider", "kite surfer"),
    ("surfboard", "kite surfer"),
    ("cup", "bowl", "wine glass", "vase"),
    ("mirror", "window", "picture"),
    ("floor", "floor mat"),
    ("fence", "balcony railing"),
    ("fish or turtle", "reef", "sea floor", "water plants", "wreck", "water"),
    ("ceiling", "wall"),
    ("sink", "counter"),
    ("tv", "laptop"),
    ("dining table", "pizza", "cake", "bowl", "cup", "bottle", "fork", "knife", "spoon"),
    ("box", "suitcase"),
    ("car", "truck"),
    ("bathtub", "shower curtain"),
    ("goat", "sheep"),
    ("shop front", "building", "window", "door"),
)

# Sets whose words lie ON things (clothes, parts). They exclude each other, but not the things.
LAYERS = {"ccp": "clothes", "carparts": "car parts", "facade": "facade"}
WEARS = {
    "clothes": {"person", "clothes"},
    "car parts": {"car", "truck", "bus"},
    "facade": {"building", "wall", "window", "door"},
}
SHARED = {"building", "road", "car", "plant", "fence"}  # words of such sets that are things
THINGS = "things"  # the layer of every other set
TEMPLATES = ("{}", "a photo of a {}.")
BACKGROUND, NONE = "background", "none"


@dataclass(frozen=True)
class LabelRow:
    """One label of one set: the words that it may be, and the words that compete with them."""

    set: str
    name: str
    positive: NDArray[np.bool_]
    """(V + 1,); the last column is "none of these"."""
    against: NDArray[np.bool_]
    """(V + 1,), containing `positive`."""


def word(name: str) -> str:
    """The word for what a set calls `name`."""
    return SAME.get(name, name)


def phrases(name: str) -> tuple[str, ...]:
    """What training may call a word: itself, then its other names, each plain and in a sentence."""
    names = (name, *OTHER_NAMES.get(name, ()))
    return tuple(template.format(one) for one in names for template in TEMPLATES)


class Vocabulary:
    """All words of all sets, in a fixed order, and the rows of their labels."""

    def __init__(self, sets: dict[str, Sequence[str]]) -> None:
        """`sets`: name -> its classes; "background" means none of the set's other words."""
        self.layer: dict[str, str] = {}
        for name, classes in sets.items():
            for one in map(word, classes):
                layer = LAYERS.get(name, THINGS) if one not in SHARED else THINGS
                if one != BACKGROUND and self.layer.get(one) != THINGS:
                    self.layer[one] = layer
        self.words = tuple(self.layer)
        self.index = {one: k for k, one in enumerate(self.words)}
        self.overlap = self._overlaps()
        self.rows: list[LabelRow] = []
        self.row_of: dict[tuple[str, str], int] = {}
        for name, classes in sets.items():
            for label in classes:
                self.row_of[name, label] = len(self.rows)
                self.rows.append(self._row(name, label, classes))
            if BACKGROUND not in classes:
                self.row_of[name, NONE] = len(self.rows)
                self.rows.append(self._background(name, NONE, classes))

    def tables(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """`positive` and `against` of all rows, (R, V + 1) each."""
        positive = np.stack([row.positive for row in self.rows])
        return positive, np.stack([row.against for row in self.rows])

    def _overlaps(self) -> NDArray[np.bool_]:
        """(V, V): True where two words may hold at the same place."""
        count = len(self.words)
        table = np.zeros((count, count), bool)
        for group in OVERLAPS:
            here = [self.index[one] for one in group if one in self.index]
            table[np.ix_(here, here)] = True
        np.fill_diagonal(table, False)
        return table

    def _row(self, name: str, label: str, classes: Sequence[str]) -> LabelRow:
        if label == BACKGROUND:
            return self._background(name, label, classes)
        k = self.index[word(label)]
        own = np.isin(self.words, [word(one) for one in classes])
        # The set's own words compete, and other words of the layer that cannot hold at the same
        # place.
        others = self._in_layer(self.layer[self.words[k]]) & ~self.overlap[k]
        positive = np.append(np.arange(len(self.words)) == k, False)
        return LabelRow(name, label, positive, np.append(own | others, True) | positive)

    def _background(self, name: str, label: str, classes: Sequence[str]) -> LabelRow:
        own = np.isin(self.words, [word(one) for one in classes])
        layer = LAYERS.get(name, THINGS)
        others = self._in_layer(layer) & ~own
        positive = np.append(others if layer == THINGS else np.zeros_like(own), True)
        return LabelRow(name, label, positive, positive | np.append(own, True))

    def _in_layer(self, layer: str) -> NDArray[np.bool_]:
        return np.array([self.layer[one] == layer for one in self.words])


def kin(vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Pairs (thing, word that it does not compete with).

    For every thing: itself, its other names, what overlaps with it, and what lies on it (clothes,
    parts).
    """
    pairs = []
    for k, thing in enumerate(vocabulary.words):
        if vocabulary.layer[thing] != THINGS:
            continue
        names = OTHER_NAMES.get(thing, ())
        others = [vocabulary.words[j] for j in np.flatnonzero(vocabulary.overlap[k])]
        on_it = [one for one, layer in vocabulary.layer.items() if thing in WEARS.get(layer, ())]
        pairs += [(thing, one) for one in dict.fromkeys((thing, *names, *others, *on_it))]
    return pairs


class Whitening:
    """Centres and decorrelates sentence vectors, and keeps the strongest dimensions.

    Sentence vectors of single words all look alike: their cosines are 0.3 to 0.7.
    """

    def __init__(self, mean: NDArray[np.float32], turn: NDArray[np.float32]) -> None:
        self.mean, self.turn = mean, turn

    @classmethod
    def fit(cls, rows: NDArray[np.float32], dims: int, shrink: float = 0.3) -> "Whitening":
        """`shrink`: share of the mean variance that is added to that of each direction."""
        mean = rows.mean(0)
        values, directions = np.linalg.eigh(np.cov((rows - mean).T))
        kept = np.argsort(-values)[:dims]
        turn = directions[:, kept] / np.sqrt(values[kept] + shrink * values.mean())
        return cls(mean.astype(np.float32), turn.astype(np.float32))

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 384) sentence vectors to (N, dims) unit vectors."""
        return unit_rows((rows - self.mean) @ self.turn)


def unit_rows(rows: NDArray[Any]) -> NDArray[np.float32]:
    """The rows divided by their lengths."""
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=-1, keepdims=True).clip(1e-6)
    return unit
