"""How a phrase is written before it becomes a vector."""

TEMPLATES = ("{}", "a photo of a {}.")  # a phrase's vector is the mean over these
LONGEST = 64  # tokens
# Written as one word in VOC's and similar lists; a sentence encoder has never seen them so.
SPELLINGS = {
    "tvmonitor": "tv",
    "diningtable": "dining table",
    "pottedplant": "potted plant",
    "aeroplane": "airplane",
    "motorbike": "motorcycle",
    "trafficlight": "traffic light",
    "firehydrant": "fire hydrant",
    "cellphone": "cell phone",
    "wineglass": "wine glass",
}


def tidy(phrase: str) -> str:
    """Lower case, single blanks, no article; common run-together spellings taken apart.

    >>> tidy(" The Dog "), tidy("tvmonitor")
    ('dog', 'tv')
    """
    words = phrase.lower().replace("_", " ").split()
    if len(words) > 1 and words[0] in ("a", "an", "the"):
        words = words[1:]
    text = " ".join(words)
    return SPELLINGS.get(text, text)
