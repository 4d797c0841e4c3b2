"""What a file is, by its content. Its name may only agree."""

import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

import puremagic

from webapp.core.errors import DomainError
from webapp.core.language import Text, _

HEAD = 64 * 1024
MAX_NAME = 255
_LONGEST_SUFFIX = 12
_MARKUP = re.compile(rb"<\s*(?:!doctype|html|head|body|script|svg|iframe|\?xml|!--)", re.IGNORECASE)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of file that is accepted, and the endings its name may have; the first is the usual one."""

    media_type: str
    title: Text
    suffixes: tuple[str, ...]
    is_image: bool = False


def _office(name: str, suffix: str) -> Kind:
    return Kind(
        media_type=f"application/vnd.openxmlformats-officedocument.{name}",
        title=_("an office document"),
        suffixes=(suffix,),
    )


def _open_document(name: str, suffix: str) -> Kind:
    return Kind(
        media_type=f"application/vnd.oasis.opendocument.{name}",
        title=_("an office document"),
        suffixes=(suffix,),
    )


JPEG = Kind(
    media_type="image/jpeg",
    title=_("a JPEG image"),
    suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
    is_image=True,
)
PNG = Kind(media_type="image/png", title=_("a PNG image"), suffixes=(".png",), is_image=True)
WEBP = Kind(media_type="image/webp", title=_("a WebP image"), suffixes=(".webp",), is_image=True)
GIF = Kind(media_type="image/gif", title=_("a GIF image"), suffixes=(".gif",), is_image=True)
HEIC = Kind(media_type="image/heic", title=_("a HEIC image"), suffixes=(".heic", ".heif"))
PDF = Kind(media_type="application/pdf", title=_("a PDF document"), suffixes=(".pdf",))
MP4 = Kind(media_type="video/mp4", title=_("a video"), suffixes=(".mp4", ".m4v"))
TEXT = Kind(media_type="text/plain", title=_("a text"), suffixes=(".txt", ".log", ".md"))
CSV = Kind(media_type="text/csv", title=_("a table of text"), suffixes=(".csv",))
ZIP = Kind(media_type="application/zip", title=_("a ZIP archive"), suffixes=(".zip",))
# By the folder that only this kind of package has.
OFFICE = {
    "word/": _office("wordprocessingml.document", ".docx"),
    "xl/": _office("spreadsheetml.sheet", ".xlsx"),
    "ppt/": _office("presentationml.presentation", ".pptx"),
}
OPEN_DOCUMENT = {
    kind.media_type: kind
    for kind in (
        _open_document("text", ".odt"),
        _open_document("spreadsheet", ".ods"),
        _open_document("presentation", ".odp"),
    )
}
# One container holds all three, so here the name decides among them.
OLD_OFFICE = {
    ".doc": Kind(
        media_type="application/msword", title=_("an office document"), suffixes=(".doc",)
    ),
    ".xls": Kind(
        media_type="application/vnd.ms-excel", title=_("an office document"), suffixes=(".xls",)
    ),
    ".ppt": Kind(
        media_type="application/vnd.ms-powerpoint",
        title=_("an office document"),
        suffixes=(".ppt",),
    ),
}
# What the library says, and how such a file really begins: it also offers guesses.
_BY_MAGIC = (
    ("image/jpeg", re.compile(rb"\xff\xd8\xff"), JPEG),
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n"), PNG),
    ("image/gif", re.compile(rb"GIF8[79]a"), GIF),
    ("image/webp", re.compile(rb"RIFF.{4}WEBP", re.DOTALL), WEBP),
    ("image/heif", re.compile(rb".{4}ftyp(?:hei[cxms]|mif1|msf1)", re.DOTALL), HEIC),
    ("video/mp4", re.compile(rb".{4}ftyp(?:isom|iso[2-6]|mp4[12]|avc1|M4V |MSNV)", re.DOTALL), MP4),
    ("application/pdf", re.compile(rb"%PDF-\d"), PDF),
)
_ZIP_TAIL = 22 + 65_535  # the end of an archive with the longest comment
_MAX_DIRECTORY = 1024 * 1024
_ZIP_START = b"PK\x03\x04"
_OLD_OFFICE_START = bytes.fromhex("D0CF11E0A1B11AE1")
SUFFIXES = tuple(
    suffix
    for kind in (
        *(JPEG, PNG, WEBP, GIF, HEIC, PDF, MP4, TEXT, CSV, ZIP),
        *OFFICE.values(),
        *OPEN_DOCUMENT.values(),
        *OLD_OFFICE.values(),
    )
    for suffix in kind.suffixes
)


class NotAccepted(DomainError):
    """The file is of no kind that is taken, or not what its name says."""


def identify(file: IO[bytes], name: str) -> Kind:
    """Return what the file is.

    Raises:
        NotAccepted: if such files are not taken, or the name says something else.
    """
    suffix = PurePosixPath(name).suffix.lower()
    kind = _kind(file, suffix)
    if kind is None:
        raise NotAccepted(
            _("Files of this kind are not taken: images, PDF, office documents, texts and ZIP are.")
        )
    if suffix and suffix not in kind.suffixes:
        raise NotAccepted(
            _(
                "By its content it is %(kind)s, but its name ends in %(suffix)s.",
                kind=kind.title,
                suffix=suffix[:_LONGEST_SUFFIX],
            )
        )
    return kind


def _kind(file: IO[bytes], suffix: str) -> Kind | None:
    head = file.read(HEAD)
    if head.startswith(_ZIP_START):
        return _package(file)
    if head.startswith(_OLD_OFFICE_START):
        return OLD_OFFICE.get(suffix)
    said = _said_by_library(head)
    for media_type, start, kind in _BY_MAGIC:
        if start.match(head) and media_type in said:
            return kind
    if said & {"text/html", "image/svg+xml"}:
        return None
    return _text(file, head, suffix)


def _said_by_library(head: bytes) -> set[str]:
    try:
        return {match.mime_type for match in puremagic.magic_string(head)}
    except (puremagic.PureError, ValueError):
        return set()


def _package(file: IO[bytes]) -> Kind | None:
    """Tell office documents from other archives by their directory; nothing is unpacked but a short name."""
    if not _has_modest_directory(file):
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if names[:1] == ["mimetype"]:
                with archive.open("mimetype") as inner:
                    return OPEN_DOCUMENT.get(inner.read(100).decode("ascii", "replace"))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError, EOFError):
        return None
    if "[Content_Types].xml" not in names:
        return ZIP
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        return None  # runs on whose machine opens it
    return next(
        (kind for folder, kind in OFFICE.items() if any(n.startswith(folder) for n in names)), ZIP
    )


def _has_modest_directory(file: IO[bytes]) -> bool:
    """Tell whether an archive's directory is small: half a million names in 25 MB would fill the memory."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _ZIP_TAIL))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22 or tail[max(0, end - 20) : end].startswith(b"PK\x06\x07"):
        return False  # no end, or that of an archive beyond 4 GB
    return int.from_bytes(tail[end + 12 : end + 16], "little") <= _MAX_DIRECTORY


def _text(file: IO[bytes], head: bytes, suffix: str) -> Kind | None:
    """Text holds no control characters; what begins as markup is none, whatever it is called."""
    if _MARKUP.search(head[:1024]):
        return None
    block = head
    while block:
        if _BINARY.search(block):
            return None
        block = file.read(HEAD)
    return CSV if suffix == ".csv" else TEXT


def clean_name(name: str | None, *, otherwise: str = "file") -> str:
    """Return what a file is called on screen and in a download: a name, never a path.

    Directions of writing are dropped, too: they would show ``gpj.exe`` for ``exe.jpg``.
    """
    last = re.split(r"[/\\]", name or "")[-1]
    plain = "".join(c if c.isprintable() else " " for c in last)
    plain = " ".join(re.sub(r'[<>:"|?*]', " ", plain).split()).strip(" .")
    if len(plain) > MAX_NAME:
        suffix = PurePosixPath(plain).suffix[:_LONGEST_SUFFIX]
        plain = plain[: MAX_NAME - len(suffix)].rstrip(" .") + suffix
    return plain or otherwise


def named(name: str, kind: Kind) -> str:
    """Give a name without an ending the usual one."""
    if PurePosixPath(name).suffix:
        return name
    return f"{name[: MAX_NAME - _LONGEST_SUFFIX]}{kind.suffixes[0]}"


def with_ending_of(before: str, name: str) -> str:
    """Return a new name with the old one's ending."""
    suffix = PurePosixPath(before).suffix
    if not suffix or PurePosixPath(name).suffix.lower() == suffix.lower():
        return name
    return f"{name[: MAX_NAME - len(suffix)]}{suffix}"
