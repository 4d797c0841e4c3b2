"""Small files of every kind, made here."""

import io
import zipfile
import zlib

from PIL import Image

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
)
HTML = b"<!DOCTYPE html><html><body><script>alert(1)</script></body></html>"
TEXT = "Serial number 4711, bought in Málaga\n".encode()
ORIENTATION, MAKER = 0x0112, 0x010F


def image(
    kind: str = "JPEG",
    *,
    size: tuple[int, int] = (400, 200),
    orientation: int | None = None,
    colour: str = "red",
) -> bytes:
    picture = Image.new("RGB", size, colour)
    out, more = io.BytesIO(), {}
    if orientation:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        exif[MAKER] = "SecretCamera"
        more = {"exif": exif.tobytes()}
    picture.save(out, kind, **more)
    return out.getvalue()


def package(*names: str, mimetype: str | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


def bomb() -> bytes:
    """A PNG that claims 20,000 by 20,000 pixels, with a fitting checksum."""
    whole = image("PNG")
    header = b"IHDR" + (20_000).to_bytes(4) * 2 + whole[24:29]
    return whole[:12] + header + zlib.crc32(header).to_bytes(4) + whole[33:]
