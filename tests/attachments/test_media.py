"""What a file is, is decided by its content; its name may only agree."""

import io

import pytest
from PIL import Image

from tests.attachments import samples
from webapp.attachments import images, media
from webapp.attachments.media import NotAccepted, clean_name, identify


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jpg", samples.image("JPEG"), "image/jpeg"),
        ("A.JPEG", samples.image("JPEG"), "image/jpeg"),
        ("a.png", samples.image("PNG"), "image/png"),
        ("a.gif", samples.image("GIF"), "image/gif"),
        ("a.webp", samples.image("WEBP"), "image/webp"),
        ("scan", samples.image("PNG"), "image/png"),
        ("a.pdf", samples.PDF, "application/pdf"),
        ("a.txt", samples.TEXT, "text/plain"),
        ("a.csv", b"tag;name\nA-1;Pump\n", "text/csv"),
        ("a.txt", "Größe".encode("latin-1"), "text/plain"),
        ("a.mp4", b"\0\0\0\x20ftypisom" + b"\0" * 40, "video/mp4"),
        ("a.heic", b"\0\0\0\x20ftypheic" + b"\0" * 40, "image/heic"),
        ("a.zip", samples.package("b.txt"), "application/zip"),
        (
            "a.docx",
            samples.package("[Content_Types].xml", "word/document.xml"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            "a.odt",
            samples.package("content.xml", mimetype="application/vnd.oasis.opendocument.text"),
            "application/vnd.oasis.opendocument.text",
        ),
        ("a.xls", bytes.fromhex("D0CF11E0A1B11AE1") + b"\0" * 600, "application/vnd.ms-excel"),
    ],
)
def test_the_content_tells_the_type(name: str, content: bytes, expected: str) -> None:
    assert identify(io.BytesIO(content), name).media_type == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg", samples.PDF),  # the name lies
        ("a.pdf", samples.image("JPEG")),
        ("a.png", samples.image("GIF")),
        ("a.txt", samples.image("PNG")),
        ("a.exe", samples.image("PNG")),
        ("a.svg", samples.SVG),  # images that run
        ("a.png", samples.SVG),
        ("a.txt", samples.SVG),
        ("a.html", samples.HTML),
        ("a.txt", samples.HTML),
        ("a.csv", b"\n\n  <script>alert(1)</script>"),
        ("a.jpg", b"GIF89a/*" + samples.HTML),  # polyglots
        ("a.pdf", samples.HTML + samples.PDF),
        ("a.zip", b"junk" + samples.package("b.txt")),
        ("a.exe", b"MZ" + b"\0" * 100),
        ("a.txt", b"text\0and more"),
        ("a.txt", b"x" * 200_000 + b"\0"),
        ("a.docx", samples.package("[Content_Types].xml", "word/d.xml", "word/vbaProject.bin")),
        ("a.zip", b"PK\x03\x04" + b"broken" * 50),
    ],
)
def test_lies_and_strange_kinds_are_refused(name: str, content: bytes) -> None:
    with pytest.raises(NotAccepted):
        identify(io.BytesIO(content), name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Ana\\invoice.pdf", "invoice.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "a Set-Cookie x.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("a\0b.txt", "a b.txt"),
        ("...", "file"),
        ("", "file"),
        ("Größe (1).jpg", "Größe (1).jpg"),
        ("x" * 300 + ".jpeg", "x" * 250 + ".jpeg"),
    ],
)
def test_a_name_is_never_a_path(name: str, shown: str) -> None:
    assert clean_name(name) == shown


def test_an_archive_of_countless_names_is_refused() -> None:
    many = samples.package(*(f"{number:060}" for number in range(12_000)))
    with pytest.raises(NotAccepted):
        identify(io.BytesIO(many), "a.zip")


def test_a_new_name_keeps_its_ending() -> None:
    assert media.with_ending_of("a.jpg", "front.jpg") == "front.jpg"
    assert media.with_ending_of("a.jpg", "front.exe") == "front.exe.jpg"


def test_images_are_made_anew_upright_and_without_metadata() -> None:
    shown = images.make(io.BytesIO(samples.image(size=(4000, 2000), orientation=6)))
    preview, thumb = (Image.open(io.BytesIO(one)) for one in (shown.preview, shown.thumb))
    assert (preview.format, preview.size) == ("WEBP", (800, 1600))
    assert thumb.size == (160, 320)
    for picture in (preview, thumb):
        assert not picture.getexif()
    assert b"SecretCamera" not in shown.preview + shown.thumb


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "CMYK", "I;16"])
def test_every_mode_of_pixels_is_shown(mode: str) -> None:
    out = io.BytesIO()
    kind = "JPEG" if mode == "CMYK" else "PNG"
    Image.new(mode, (50, 40)).save(out, kind)
    out.seek(0)
    assert images.make(out).thumb


def test_a_hidden_payload_does_not_survive() -> None:
    polyglot = samples.image() + samples.HTML
    assert b"<script>" not in images.make(io.BytesIO(polyglot)).preview


def test_a_pixel_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(NotAccepted, match="million pixels"):
        images.make(io.BytesIO(samples.bomb()))


@pytest.mark.parametrize("content", [samples.image("PNG")[:60], b"\xff\xd8\xff junk"])
def test_broken_images_are_refused(content: bytes) -> None:
    with pytest.raises(NotAccepted, match="damaged"):
        images.make(io.BytesIO(content))
