"""Labels as PDF: a QR code that opens the record, a bar code of the tag, and what a person reads. Knows no HTTP."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reportlab.graphics.barcode.code128 import Code128
from reportlab.lib.units import inch, mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from webapp.assets import qr
from webapp.core.language import Text, _

MOST = 2000
FONT, BOLD = "DejaVuSans", "DejaVuSans-Bold"
FONTS = Path(__file__).resolve().parents[2] / "static" / "vendor" / "dejavu-2.37"
THINNEST = 0.19 * mm  # of a bar that common scanners still tell apart
WIDEST = 0.5 * mm
QUIET = 10  # modules of white before and after a bar code
GAP = 1 * mm
ELLIPSIS = "…"
SMALLEST_TAG = 4.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """What is on a label."""

    tag: str
    name: str
    client: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """A sheet of labels, or a tape of one; lengths in points, ``left`` and ``top`` of the first label."""

    title: Text
    page: tuple[float, float]
    size: tuple[float, float]
    columns: int = 1
    rows: int = 1
    left: float = 0
    top: float = 0
    step: tuple[float, float] = (0, 0)
    margin: float = 2 * mm

    @property
    def each(self) -> int:
        """Labels on a page."""
        return self.columns * self.rows

    def corner(self, number: int) -> tuple[float, float]:
        """Return the lower left corner of a label, counted by rows from the top."""
        row, column = divmod(number, self.columns)
        x = self.left + column * self.step[0]
        return x, self.page[1] - self.top - row * self.step[1] - self.size[1]


A4 = (210 * mm, 297 * mm)
LETTER = (8.5 * inch, 11 * inch)
LAYOUTS = {
    "a4-24": Layout(
        title=_("A4, 24 labels (Avery L7159)"),
        page=A4,
        size=(63.5 * mm, 33.9 * mm),
        columns=3,
        rows=8,
        left=7.25 * mm,
        top=12.9 * mm,
        step=(66 * mm, 33.9 * mm),
    ),
    "a4-40": Layout(
        title=_("A4, 40 labels (Avery L7654)"),
        page=A4,
        size=(45.7 * mm, 25.4 * mm),
        columns=4,
        rows=10,
        left=9.7 * mm,
        top=21.5 * mm,
        step=(48.3 * mm, 25.4 * mm),
    ),
    "letter-30": Layout(
        title=_("Letter, 30 labels (Avery 5160)"),
        page=LETTER,
        size=(2.625 * inch, 1 * inch),
        columns=3,
        rows=10,
        left=0.1875 * inch,
        top=0.5 * inch,
        step=(2.75 * inch, 1 * inch),
    ),
    "tape-62": Layout(
        title=_("Single label, 62 by 29 mm"), page=(62 * mm, 29 * mm), size=(62 * mm, 29 * mm)
    ),
    "tape-24": Layout(
        title=_("Tape, 24 mm"),
        page=(62 * mm, 24 * mm),
        size=(62 * mm, 24 * mm),
        margin=3 * mm,  # a 24 mm tape is printed on 18 mm
    ),
}
DEFAULT = "a4-24"
SINGLE = "tape-62"


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle on the page."""

    x: float
    y: float
    width: float
    height: float


def draw(labels: Sequence[Label], layout: Layout, *, start: int = 1, title: str = "") -> bytes:
    """Return a PDF of the labels; the first goes to place ``start`` of its sheet."""
    _fonts()
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=layout.page, pageCompression=1, invariant=1)
    canvas.setTitle(title)
    canvas.setCreator("Steward")
    place = (start - 1) % layout.each
    for label in labels:
        if place == layout.each:
            canvas.showPage()
            place = 0
        x, y = layout.corner(place)
        inner = Box(
            x=x + layout.margin,
            y=y + layout.margin,
            width=layout.size[0] - 2 * layout.margin,
            height=layout.size[1] - 2 * layout.margin,
        )
        _draw_label(canvas, label, inner)
        place += 1
    canvas.save()
    return out.getvalue()


@cache
def _fonts() -> None:
    for name in (FONT, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(FONTS / f"{name}.ttf")))


def _draw_label(canvas: Canvas, label: Label, box: Box) -> None:
    """The bar code along the bottom, if it fits; above it the QR code and the words."""
    below = _bars(canvas, label.tag, box)
    height = box.height - below
    side = min(height, box.width * 0.45)
    quiet = _qr(canvas, label.url, Box(x=box.x, y=box.y + below, width=side, height=height))
    left = side + max(GAP, quiet)
    words = Box(x=box.x + left, y=box.y + below, width=box.width - left, height=height)
    _words(canvas, label, words)


def _bars(canvas: Canvas, tag: str, box: Box) -> float:
    """Draw the tag as Code 128 and return how much height that takes: none, where the bars would be too thin."""
    modules = Code128(tag, barWidth=1, quiet=0).width
    width = min(WIDEST, box.width / (modules + 2 * QUIET))
    if width < THINNEST:
        return 0
    height = box.height * 0.2
    code = Code128(tag, barWidth=width, barHeight=height, quiet=0, humanReadable=0)
    code.drawOn(canvas, box.x + (box.width - modules * width) / 2, box.y)
    return float(height + GAP)


def _qr(canvas: Canvas, url: str, box: Box) -> float:
    """Draw the QR code at the top left of its box; return the white that it needs around it."""
    rows = qr.modules(url)
    module = box.width / len(rows)
    canvas.saveState()
    canvas.translate(box.x, box.y + box.height)
    canvas.scale(module, -module)
    path = canvas.beginPath()
    for number, row in enumerate(rows):
        for start, length in _runs(row):
            # Not by path.rect, which formats floats for most of the time that a label takes. A hair higher than
            # the module, or readers of PDF show white lines between rows.
            path._code.append(f"{start} {number} {length} 1.02 re")  # noqa: SLF001
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.restoreState()
    return 4 * module


def _runs(row: Sequence[bool]) -> list[tuple[int, int]]:
    """Return start and length of each dark stretch."""
    runs, start = [], None
    for at, dark in enumerate([*row, False]):
        if dark and start is None:
            start = at
        elif not dark and start is not None:
            runs.append((start, at - start))
            start = None
    return runs


def _words(canvas: Canvas, label: Label, box: Box) -> None:
    """Tag, name and client from the top down, as many lines as fit."""
    large = min(11.0, box.height * 0.22)
    small = min(8.0, max(5.0, box.height * 0.135))
    y = box.y + box.height
    size = _fitting(label.tag, box.width, large)
    y = _line(canvas, cut(label.tag, BOLD, size, box.width), BOLD, size, (box.x, y))
    room = int((y - box.y) / (small * 1.2))
    for text in lines(label.name, FONT, small, box.width, most=max(1, room - 1)):
        y = _line(canvas, text, FONT, small, (box.x, y))
    if room > 1 and label.client:
        canvas.setFillGray(0.25)
        _line(canvas, cut(label.client, FONT, small, box.width), FONT, small, (box.x, y))
        canvas.setFillGray(0)


def _line(canvas: Canvas, text: str, font: str, size: float, top: tuple[float, float]) -> float:
    canvas.setFont(font, size)
    canvas.drawString(top[0], top[1] - size * 0.93, text)
    return top[1] - size * 1.2


def _fitting(text: str, width: float, size: float) -> float:
    """Return the size at which a tag fits: it is typed off the label where nothing scans."""
    needed = pdfmetrics.stringWidth(text, BOLD, size)
    return max(SMALLEST_TAG, size * min(1.0, width / needed)) if needed else size


def cut(text: str, font: str, size: float, width: float) -> str:
    """Return as much of a text as fits, with an ellipsis if that is not all."""
    if pdfmetrics.stringWidth(text, font, size) <= width:
        return text
    while text and pdfmetrics.stringWidth(text + ELLIPSIS, font, size) > width:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS


def lines(text: str, font: str, size: float, width: float, *, most: int) -> list[str]:
    """Return a text in at most ``most`` lines; what does not fit is cut."""
    split = simpleSplit(text, font, size, width)
    if len(split) > most:
        split = [*split[: most - 1], " ".join(split[most - 1 :])]
    return [cut(line, font, size, width) for line in split]
