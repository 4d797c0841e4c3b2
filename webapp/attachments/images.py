"""What we make of an image ourselves: upright, small, without metadata. Only this is shown inside a page."""

import io
import threading
from dataclasses import dataclass
from typing import IO

from PIL import Image, ImageOps, UnidentifiedImageError

from webapp.attachments.media import NotAccepted
from webapp.core.language import _
from webapp.core.threads import aside

MAX_PIXELS = 50_000_000
PREVIEW = 1600
THUMB = 320
MEDIA_TYPE = "image/webp"
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
QUALITY = 80
# A large image takes some 200 MB while it is opened.
_TWO_AT_A_TIME = threading.BoundedSemaphore(2)
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """The two sizes of an image, as WebP."""

    preview: bytes
    thumb: bytes


def make(file: IO[bytes]) -> Shown:
    """Decode an image and encode it anew.

    Raises:
        NotAccepted: if it cannot be decoded, or holds too many pixels.
    """
    with (
        _TWO_AT_A_TIME
    ):  # waited for here and not in the thread, where gevent's locks do not belong
        try:
            return aside(_make, file)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise _too_many_pixels() from None
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
            raise NotAccepted(_("The image is damaged.")) from None


def _make(file: IO[bytes]) -> Shown:
    with Image.open(file, formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:  # known before anything is decoded
            raise _too_many_pixels()
        image.draft("RGB", (PREVIEW, PREVIEW))  # a JPEG is decoded at the size that is needed
        image.load()
        upright: Image.Image = image.convert(_mode(image))
        upright.thumbnail((PREVIEW, PREVIEW))
        upright.info = {}
        turned = ImageOps.exif_transpose(_with_orientation(upright, image))
    preview = _encoded(turned)
    turned.thumbnail((THUMB, THUMB))
    return Shown(preview=preview, thumb=_encoded(turned))


def _mode(image: Image.Image) -> str:
    see_through = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
    return "RGBA" if see_through else "RGB"


def _with_orientation(small: Image.Image, original: Image.Image) -> Image.Image:
    """Take over which side is up, and nothing else."""
    small.getexif()[_ORIENTATION] = original.getexif().get(_ORIENTATION, 1)
    return small


_ORIENTATION = 0x0112


def _encoded(image: Image.Image) -> bytes:
    clean = Image.new(image.mode, image.size)
    clean.paste(image)
    out = io.BytesIO()
    clean.save(out, "WEBP", quality=QUALITY, method=3)
    return out.getvalue()


def _too_many_pixels() -> NotAccepted:
    return NotAccepted(
        _("The image has more than %(most)s million pixels.", most=MAX_PIXELS // 1_000_000)
    )
