"""The head of a phrase: the thing that its other words only describe."""

# What follows one of these describes what came before: "man with a hat", "cat on the sofa".
PLACES = ("on", "in", "at", "near", "by", "beside", "behind", "under", "over", "above", "below")
LINKS = frozenset(
    [*PLACES, "next", "from", "of", "with", "without", "for", "and", "that", "who", "which", "is"]
)
ARTICLES = ("a", "an", "the")


def find_heads(phrase: str) -> list[str]:
    """Parts of a phrase that may be its head, the longest first; none of a single word.

    >>> find_heads("big white dog on the sofa")
    ['big white dog', 'white dog', 'dog']
    >>> find_heads("man riding a bike"), find_heads("dog")
    (['man'], [])
    """
    words = phrase.split()
    end = next((k for k, word in enumerate(words) if k > 0 and _describes(word)), len(words))
    noun = [word for word in words[:end] if word not in ARTICLES]
    parts = [" ".join(noun[k:]) for k in range(len(noun))]
    return [part for part in parts if part != phrase]


def _describes(word: str) -> bool:
    """Whether the words from this one on only describe the ones before."""
    return word in LINKS or (word.endswith("ing") and len(word) > 5)
