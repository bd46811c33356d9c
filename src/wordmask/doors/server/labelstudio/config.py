"""A project's labelling interface: which tags draw regions, on which picture, with which labels."""

from dataclasses import dataclass
from xml.etree import ElementTree

from wordmask.doors.server.problems import RefusalError

LONGEST = 262_144  # characters
DRAWING = ("BrushLabels", "PolygonLabels")  # what we can answer with, best first


@dataclass(frozen=True)
class ProjectLabel:
    """A label as Label Studio stores it, and the words by which it is looked for."""

    name: str
    words: str  # "sofa|couch"


@dataclass(frozen=True)
class Interface:
    """Where regions go. Unknown names would be stored silently, so only the project's are used."""

    kind: str  # BrushLabels or PolygonLabels
    from_name: str
    to_name: str
    picture_key: str  # of the task's data
    labels: tuple[ProjectLabel, ...]

    def label_of(self, name: str) -> str:
        """The label of that name; the first one where the drawing tag has none of that name."""
        names = [label.name for label in self.labels]
        return name if name in names or not names else names[0]


def read_interface(xml: str) -> Interface:
    """The first tag that draws brushes, or else polygons, and the picture it draws on."""
    root = _parse(xml)
    for kind in DRAWING:
        for tag in root.iter(kind):
            to_name = tag.get("toName", "")
            picture = next((one for one in root.iter("Image") if one.get("name") == to_name), None)
            if picture is not None and tag.get("name"):
                key = picture.get("value", "$image").removeprefix("$")
                labels = tuple(_label(one) for one in tag.iter("Label") if one.get("value"))
                return Interface(kind, tag.get("name", ""), to_name, key, labels)
    raise RefusalError(
        422,
        "the labelling interface has no BrushLabels or PolygonLabels on an Image; add one, "
        "masks need it",
        field="label_config",
    )


def _parse(xml: str) -> ElementTree.Element:
    if len(xml) > LONGEST or "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise RefusalError(422, "the labelling interface is too large", field="label_config")
    try:
        return ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise RefusalError(
            422, f"the labelling interface is no XML: {error}", field="label_config"
        ) from None


def _label(tag: ElementTree.Element) -> ProjectLabel:
    """`alias` is what is stored; `predicted_values` are the words that mean it."""
    value = " ".join(tag.get("value", "").split())
    meant = [word.strip() for word in tag.get("predicted_values", "").split(",") if word.strip()]
    return ProjectLabel(tag.get("alias") or value, "|".join(meant or [value]))
