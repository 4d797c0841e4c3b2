"""QR codes of addresses, thousands at a time: what is the same for all codes of a size is worked out once.

The tables and the frame of a code come from reportlab, whose own way from text to modules takes ten times as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, zip_longest

from reportlab.graphics.barcode.qrencoder import (
    QRCode,
    QRErrorCorrectLevel,
    QRMath,
    QRRSBlock,
    QRUtil,
)

LEVEL = QRErrorCorrectLevel.M  # survives a loss of 15 %
MASK = 3  # which of the eight patterns is the prettiest takes eight times as long to find out; each can be read
BYTES, MODE_BITS, BYTE = 0b0100, 4, 8
PADDING = (0xEC, 0x11)
LARGEST = 40
SHORT = 9  # up to this size a code tells its length in one byte
Modules = list[list[bool]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Size:
    """A size of code: its frame, the places of the data with what the mask turns round, and its blocks."""

    frame: Modules
    places: Sequence[tuple[int, int, bool]]
    blocks: Sequence[tuple[int, int]]  # bytes of data, bytes that correct them
    length_bits: int

    @property
    def capacity(self) -> int:
        """How many bytes of data there are, with what says how long they are."""
        return sum(data for data, _check in self.blocks)


def modules(content: str) -> Modules:
    """Return the modules of a code, row by row, dark ones true."""
    data = content.encode()
    size = next(
        one
        for one in map(_size, range(1, LARGEST + 1))
        if MODE_BITS + one.length_bits + BYTE * len(data) <= BYTE * one.capacity
    )
    words = _protected(_words(data, size), size.blocks)
    bits = f"{int.from_bytes(words):0{BYTE * len(words)}b}"
    rows = [row.copy() for row in size.frame]
    for (row, column, turned), bit in zip(
        size.places, bits.ljust(len(size.places), "0"), strict=True
    ):
        rows[row][column] = (bit == "1") != turned
    return rows


@cache
def _size(version: int) -> _Size:
    code = QRCode(version, LEVEL)
    code.dataCache = []  # nothing but the frame
    code.makeImpl(False, MASK)
    mask = QRUtil.getMask(MASK)
    blocks = QRRSBlock.getRSBlocks(version, LEVEL)
    return _Size(
        frame=[[bool(dark) for dark in row] for row in code.modules],
        places=[(row, column, mask(row, column)) for column, row in code.dataPosIterator()],
        blocks=[(block.dataCount, block.totalCount - block.dataCount) for block in blocks],
        length_bits=BYTE if version <= SHORT else 2 * BYTE,
    )


def _words(data: bytes, size: _Size) -> bytes:
    """The data with what they are and how long before, and padding behind."""
    head = BYTES << size.length_bits | len(data)
    bits = MODE_BITS + size.length_bits + BYTE * len(data)
    number = head << BYTE * len(data) | int.from_bytes(data)
    whole = min(
        -(-(bits + MODE_BITS) // BYTE), size.capacity
    )  # zeros end the data, as far as there is room
    words = (number << (BYTE * whole - bits)).to_bytes(whole)
    return words + bytes(PADDING[at % 2] for at in range(size.capacity - whole))


def _protected(words: bytes, blocks: Sequence[tuple[int, int]]) -> bytes:
    """Add what corrects each block, and deal the bytes of all blocks out in turn."""
    parts, start = [], 0
    for length, _check in blocks:
        parts.append(words[start : start + length])
        start += length
    checks = [_check_bytes(part, check) for part, (_, check) in zip(parts, blocks, strict=True)]
    dealt = chain(zip_longest(*parts), zip_longest(*checks))
    return bytes(byte for turn in dealt for byte in turn if byte is not None)


def _check_bytes(data: bytes, count: int) -> bytes:
    """The remainder of the data, as a polynomial, by the generator of that many bytes."""
    steps, rest = _steps(count), 0
    top, room = BYTE * (count - 1), (1 << BYTE * count) - 1
    for byte in data:
        rest = (rest << BYTE & room) ^ steps[byte ^ rest >> top]
    return rest.to_bytes(count)


@cache
def _steps(count: int) -> Sequence[int]:
    """The generator times each byte, without its first coefficient, which is 1."""
    generator = QRUtil.getErrorCorrectPolynomial(count).num[1:]
    return [
        int.from_bytes(bytes(_times(factor, coefficient) for coefficient in generator))
        for factor in range(1 << BYTE)
    ]


def _times(one: int, other: int) -> int:
    if not one or not other:
        return 0
    product: int = QRMath.gexp(QRMath.glog(one) + QRMath.glog(other))
    return product
