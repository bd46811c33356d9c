"""Keywords of photographs in XMP, as Lightroom, digiKam and others keep them.

They stand in the picture itself, or in a sidecar beside it (photo.xmp, photo.jpg.xmp). Pictures are
never changed: what is written goes into sidecars (XMP part 1; Dublin Core's `subject`).
"""

import re
import xml.etree.ElementTree as Tree
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from wordmask.errors import FormatError

LARGEST = 4_000_000  # bytes
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_MARK = 'x:xmptk="wordmask"'  # says that a sidecar is ours
_PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/" {mark}>
 <rdf:RDF xmlns:rdf="{rdf}">
  <rdf:Description rdf:about="" xmlns:dc="{dc}">
   <dc:subject>
    <rdf:Bag>
{items}
    </rdf:Bag>
   </dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""


def parse_keywords(text: str | bytes) -> tuple[str, ...]:
    """The keywords of a packet; nothing where it is broken.

    >>> parse_keywords(make_packet(["dog", "red car"]))
    ('dog', 'red car')
    """
    data = text.encode() if isinstance(text, str) else text
    # A document type could define entities that grow; no XMP has one.
    if len(data) > LARGEST or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        return ()
    found = re.search(rb"<x:xmpmeta.*</x:xmpmeta>|<rdf:RDF.*</rdf:RDF>", data, re.DOTALL)
    if found is None:
        return ()
    try:
        root = Tree.fromstring(found[0])
    except Tree.ParseError:
        return ()
    items = root.iterfind(f".//{{{_DC}}}subject//{{{_RDF}}}li")
    words = (" ".join((item.text or "").split()) for item in items)
    return tuple(dict.fromkeys(word for word in words if word))


def make_packet(words: Sequence[str]) -> str:
    items = "\n".join(f"     <rdf:li>{escape(word)}</rdf:li>" for word in words)
    return _PACKET.format(mark=_MARK, rdf=_RDF, dc=_DC, items=items)


def read_sidecar(picture: Path) -> tuple[str, ...]:
    """The keywords in the sidecar of a picture."""
    for sidecar in (Path(f"{picture}.xmp"), picture.with_suffix(".xmp")):
        if sidecar.is_file() and sidecar.stat().st_size <= LARGEST:
            return parse_keywords(sidecar.read_bytes())
    return ()


def merge_sidecar(picture: Path, words: Sequence[str]) -> tuple[Path, str] | None:
    """Where the sidecar of a picture lies, and its text with these keywords too.

    None where it has them all. A sidecar of another program keeps all that it says: its list of
    keywords gets the new ones, and where it has no such list it is refused.
    """
    path = picture.with_suffix(".xmp")
    if not path.exists():
        return path, make_packet(list(words))
    text = path.read_text("utf-8")
    known = parse_keywords(text)
    added = [word for word in words if word not in known]
    if not added:
        return None
    if _MARK in text:
        return path, make_packet([*known, *added])
    items = "".join(f"<rdf:li>{escape(word)}</rdf:li>" for word in added)
    merged, count = re.subn(
        r"(<dc:subject>\s*<rdf:Bag>.*?)(\s*</rdf:Bag>)",
        lambda found: f"{found[1]}{items}{found[2]}",
        text,
        count=1,
        flags=re.DOTALL,
    )
    if not count:
        raise FormatError(
            f"{path} is a sidecar of another program without a list of keywords; give the picture "
            "one keyword there, then the others can be added"
        )
    return path, merged
