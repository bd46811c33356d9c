"""Date, place and keywords of photographs."""

from fractions import Fraction

import pytest
from PIL import Image as Pil

from wordmask.errors import FormatError
from wordmask.media.reading.facts import PhotoFacts, photo_facts
from wordmask.media.reading.xmp import make_packet, merge_sidecar, parse_keywords

LIGHTROOM = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"
    xmlns:dc="http://purl.org/dc/elements/1.1/">
   <dc:subject><rdf:Bag><rdf:li>beach</rdf:li><rdf:li>dog &amp; cat</rdf:li></rdf:Bag></dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def save_photo(path, **settings):
    Pil.new("RGB", (8, 8)).save(path, **settings)
    return path


def exif(date="2024:05:01 12:30:00", gps=True) -> Pil.Exif:
    tags = Pil.Exif()
    tags.get_ifd(0x8769)[0x9003] = date
    if gps:
        degrees = (Fraction(33), Fraction(51), Fraction(36))
        tags.get_ifd(0x8825).update({1: "S", 2: degrees, 3: "E", 4: degrees})
    return tags


def test_date_and_place(tmp_path):
    photo = save_photo(tmp_path / "a.jpg", exif=exif())
    assert photo_facts(photo) == PhotoFacts("2024-05-01T12:30:00", -33.86, 33.86)


@pytest.mark.parametrize("date", ["", "0000:00:00 00:00:00", "2024:13:01 00:00:00", "soon"])
def test_a_date_that_is_none(tmp_path, date):
    assert photo_facts(save_photo(tmp_path / "a.jpg", exif=exif(date, gps=False))).date is None


def test_a_picture_without_facts(tmp_path):
    assert photo_facts(save_photo(tmp_path / "a.png")) == PhotoFacts()
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe1\x00\x10Exif\0\0MM\0*\xff\xff\xff\xff")
    assert photo_facts(tmp_path / "broken.jpg") == PhotoFacts()


def test_keywords_in_the_picture_and_beside_it(tmp_path):
    photo = save_photo(tmp_path / "a.jpg", xmp=make_packet(["sea"]).encode())
    (tmp_path / "a.xmp").write_text(LIGHTROOM)
    assert photo_facts(photo).keywords == ("sea", "beach", "dog & cat")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<x:xmpmeta",
        LIGHTROOM.replace("</rdf:Bag>", ""),
        '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + LIGHTROOM,
        " " * 5_000_000 + LIGHTROOM,
    ],
)
def test_broken_or_dangerous_packets_say_nothing(text):
    assert parse_keywords(text) == ()


def test_a_sidecar_of_ours_is_made_and_grows(tmp_path):
    photo = tmp_path / "a.jpg"
    path, text = merge_sidecar(photo, ["dog"])
    path.write_text(text)
    path, text = merge_sidecar(photo, ["cat", "dog"])
    path.write_text(text)
    assert path == tmp_path / "a.xmp"
    assert parse_keywords(text) == ("dog", "cat")
    assert merge_sidecar(photo, ["cat"]) is None


def test_a_sidecar_of_another_program_keeps_what_it_says(tmp_path):
    (tmp_path / "a.xmp").write_text(LIGHTROOM)
    _, text = merge_sidecar(tmp_path / "a.jpg", ["a < b"])
    assert parse_keywords(text) == ("beach", "dog & cat", "a < b")
    assert text.replace("<rdf:li>a &lt; b</rdf:li>", "") == LIGHTROOM


def test_a_sidecar_without_a_list_is_refused(tmp_path):
    (tmp_path / "a.xmp").write_text(LIGHTROOM.replace("dc:subject", "dc:title"))
    with pytest.raises(FormatError, match="without a list of keywords"):
        merge_sidecar(tmp_path / "a.jpg", ["dog"])
