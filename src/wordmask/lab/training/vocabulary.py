"""The words that training knows, which of them exclude each other, and what each label of a set says.

A pixel labelled `c` in set S says: one of the words that mean c, and no other word of S. About words that S
does not list it says something only where they cannot hold at once ("sky" is no "dog", but "jeans" may be on
a "person"). `Row` carries that; the losses turn it into a marginal likelihood.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# What a set calls a thing -> the word that training uses. Synonyms are shown to the network as well (below).
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

# Words that may hold at the same place, or that annotators use for the same thing: neither is held against the other.
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
    ("sky", "ceiling"),
    ("bathtub", "shower curtain"),
    ("goat", "sheep"),
    ("shop front", "building", "window", "door"),
)

# Sets whose words lie ON things (clothes, parts): they exclude each other, never the things.
LAYERS = {"ccp": "clothes", "carparts": "car parts", "facade": "facade"}
WEARS = {
    "clothes": {"person", "clothes"},
    "car parts": {"car", "truck", "bus"},
    "facade": {"building", "wall", "window", "door"},
}
SHARED = {
    "building",
    "road",
    "car",
    "plant",
    "fence",
}  # words of such sets that are things all the same
NONE = "none"


@dataclass(frozen=True)
class Row:
    """One label of one set: the words that it may be, and the words that it is weighed against."""

    set: str
    name: str
    positive: NDArray[np.bool_]
    """(V + 1,); the last column is "none of these"."""
    against: NDArray[np.bool_]
    """(V + 1,), containing `positive`."""


def word(name: str) -> str:
    return SAME.get(name, name)


def phrases(name: str) -> tuple[str, ...]:
    """What training may call a word: itself first, its other names, each also in a sentence."""
    names = (name, *OTHER_NAMES.get(name, ()))
    return tuple(t.format(n) for n in names for t in ("{}", "a photo of a {}."))


class Vocabulary:
    """All words of all sets, in a fixed order, and the rows of their labels."""

    def __init__(self, sets: dict[str, Sequence[str]]) -> None:
        """`sets`: name -> its class names; "background" among them means none of the set's other words."""
        self.layer: dict[str, str] = {}
        for name, classes in sets.items():
            for c in map(word, classes):
                layer = LAYERS.get(name, "things") if c not in SHARED else "things"
                if c != "background" and self.layer.get(c) != "things":
                    self.layer[c] = layer
        self.words = tuple(self.layer)
        self.index = {w: k for k, w in enumerate(self.words)}
        self.overlap = self._overlaps()
        self.rows: list[Row] = []
        self.row_of: dict[tuple[str, str], int] = {}
        for name, classes in sets.items():
            for c in classes:
                self.row_of[name, c] = len(self.rows)
                self.rows.append(self._row(name, c, classes))
            if "background" not in classes:
                self.row_of[name, NONE] = len(self.rows)
                self.rows.append(self._background(name, NONE, classes))

    def tables(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """`positive` and `against` of all rows: (R, V + 1) each."""
        return np.stack([r.positive for r in self.rows]), np.stack([r.against for r in self.rows])

    def _overlaps(self) -> NDArray[np.bool_]:
        n = len(self.words)
        table = np.zeros((n, n), bool)
        for group in OVERLAPS:
            here = [self.index[w] for w in group if w in self.index]
            table[np.ix_(here, here)] = True
        np.fill_diagonal(table, False)
        return table

    def _row(self, name: str, label: str, classes: Sequence[str]) -> Row:
        if label == "background":
            return self._background(name, label, classes)
        k = self.index[word(label)]
        own = np.isin(self.words, [word(c) for c in classes])
        same_layer = np.array([self.layer[w] == self.layer[self.words[k]] for w in self.words])
        positive = np.append(np.arange(len(self.words)) == k, False)
        against = np.append(
            (own | (same_layer & ~self.overlap[k])) & ~(self.overlap[k] & ~own), True
        )
        return Row(name, label, positive, against | positive)

    def _background(self, name: str, label: str, classes: Sequence[str]) -> Row:
        own = np.isin(self.words, [word(c) for c in classes])
        layer = LAYERS.get(name, "things")
        others = np.array([self.layer[w] == layer for w in self.words]) & ~own
        positive = np.append(others if layer == "things" else np.zeros_like(own), True)
        return Row(name, label, positive, positive | np.append(own, True))


def kin(vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """For every thing: itself, its other names, what overlaps with it, and what lies on it (clothes, parts)."""
    pairs = []
    for k, thing in enumerate(vocabulary.words):
        if vocabulary.layer[thing] == "things":
            others = [vocabulary.words[j] for j in np.flatnonzero(vocabulary.overlap[k])]
            on_it = [w for w, layer in vocabulary.layer.items() if thing in WEARS.get(layer, ())]
            pairs += [
                (thing, w)
                for w in dict.fromkeys((thing, *OTHER_NAMES.get(thing, ()), *others, *on_it))
            ]
    return pairs


class Whitening:
    """Sentence vectors of words all look alike (cosines of 0.3 to 0.7): centre, whiten, keep 256 dimensions."""

    def __init__(self, mean: NDArray[np.float32], turn: NDArray[np.float32]) -> None:
        self.mean, self.turn = mean, turn

    @classmethod
    def fit(cls, rows: NDArray[np.float32], dims: int, shrink: float = 0.3) -> "Whitening":
        """`shrink`: the share of the mean variance added to each direction before dividing by it."""
        mean = rows.mean(0)
        values, directions = np.linalg.eigh(np.cov((rows - mean).T))
        kept = np.argsort(-values)[:dims]
        turn = directions[:, kept] / np.sqrt(values[kept] + shrink * values.mean())
        return cls(mean.astype(np.float32), turn.astype(np.float32))

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        y = (rows - self.mean) @ self.turn
        unit: NDArray[np.float32] = y / np.linalg.norm(y, axis=-1, keepdims=True).clip(1e-6)
        return unit
