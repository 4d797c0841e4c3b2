#!/usr/bin/env python3
"""Verify an evidence bundle of Steward's audit log, with Python 3.9 or newer and nothing else.

    python -I verify.py                     the bundle is in the directory of this script
    python -I verify.py evidence.zip        or in this zip file or directory
      --public-key HEX                      the seal key as you know it from elsewhere (may be repeated)
      --checkpoints FILE                    heads kept outside the database, JSON lines {"seal": 7, "hash": "…"}

It exits with 0 if everything holds, and with 1 after naming the first thing that does not. README.txt says what is
checked, and how to do it without this script.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import zipfile
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

ROWS, SEALS, PROOFS, MANIFEST, SIGNATURE = (
    *("rows.jsonl", "seals.jsonl", "proofs.jsonl"),
    *("manifest.json", "manifest.sig"),
)
FEW = (
    200  # seals of which each signature is checked; of more, the head's: the chain covers the rest
)
BROKEN = (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)
LONGEST = 64 * 1024 * 1024  # of one line


class Wrong(Exception):
    """Something does not hold; its text says what."""


# Ed25519, RFC 8032: points are (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]
ZERO: Point = (0, 1, 1, 0)


def _sum(a: Point, b: Point) -> Point:
    low, high = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    cross, scale = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = high - low, scale - cross, scale + cross, high + low
    return e * f % P, g * h % P, f * g % P, e * h % P


def _point(encoded: bytes) -> Point:
    """Decode a point; raises ValueError where none has this encoding."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_ONE % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def _encoded(point: Point) -> bytes:
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature is that of the key over the message."""
    if len(public_key) != 32 or len(signature) != 64:  # noqa: PLR2004 - as RFC 8032 has it
        return False
    try:
        key = _point(public_key)
    except ValueError:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    if scalar >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    factor = int.from_bytes(digest, "little") % ORDER
    minus: Point = (P - key[0], key[1], 1, P - key[3])
    table, found = (None, BASE, minus, _sum(BASE, minus)), ZERO
    for bit in range(255, -1, -1):  # scalar * BASE - factor * key, both at once
        found = _sum(found, found)
        step = table[(scalar >> bit & 1) | (factor >> bit & 1) << 1]
        found = found if step is None else _sum(found, step)
    return _encoded(found) == signature[:32]


# Merkle trees, RFC 6962: sha-256 of 0x00 and the row for a leaf, of 0x01 and both halves for a node.
def leaf_of(line: bytes) -> bytes:
    """Hash a row."""
    return hashlib.sha256(b"\x00" + line).digest()


def root_from(count: int, chosen: dict[int, bytes], proof: Iterable[bytes]) -> bytes:
    """Return the root of a tree of ``count`` leaves from some of them and the hashes of the parts without any.

    Raises:
        ValueError: if there are too many or too few of these.
    """
    places, rest = sorted(chosen), iter(proof)
    if not places or places[0] < 0 or places[-1] >= count:
        raise ValueError("places outside the tree")

    def node(low: int, high: int, first: int, last: int) -> bytes:
        if first == last:
            part = next(rest, b"")
            if len(part) != 32:  # noqa: PLR2004 - sha-256
                raise ValueError("a part of the proof is missing")
            return part
        if high - low == 1:
            return chosen[low]
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        cut = bisect_left(places, middle, first, last)
        left, right = node(low, middle, first, cut), node(middle, high, cut, last)
        return hashlib.sha256(b"\x01" + left + right).digest()

    root = node(0, count, 0, len(places))
    if next(rest, None) is not None:
        raise ValueError("the proof is too long")
    return root


class Bundle:
    """The files, in a directory or in a zip file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.zip = None if path.is_dir() else zipfile.ZipFile(path)

    def open(self, name: str) -> IO[bytes]:
        """Open a file; raises Wrong if there is none of the name."""
        if not name or set(name) & set("/\\:") or name.startswith("."):
            raise Wrong("The manifest names a file outside the bundle: " + plain(name))
        try:
            return (self.path / name).open("rb") if self.zip is None else self.zip.open(name)
        except (OSError, KeyError):
            raise Wrong(name + " is missing.") from None

    def read(self, name: str) -> bytes:
        """Read a small file."""
        with self.open(name) as file:
            return file.read(LONGEST)

    def lines(self, name: str) -> Iterator[bytes]:
        """Read the lines of a file, without their ends."""
        with self.open(name) as file:
            number = 0
            while True:
                line = file.readline(LONGEST)
                if not line:
                    return
                number += 1
                if line[-1:] != b"\n":
                    raise Wrong(f"{name}, line {number}: its end is missing.")
                yield line[:-1]

    def objects(self, name: str) -> Iterator[dict[str, Any]]:
        """Read the lines of a file as JSON."""
        for number, line in enumerate(self.lines(name), 1):
            try:
                value = dict(json.loads(line))
            except (ValueError, TypeError, RecursionError):
                raise Wrong(f"{name}, line {number}: is no JSON object.") from None
            yield value


class Check:
    """One verification. ``tell`` gets a line for each part that holds."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        keys: list[bytes],
        checkpoints: dict[int, bytes],
        tell: Callable[[str], None],
    ) -> None:
        self.bundle, self.keys, self.checkpoints, self.tell = bundle, keys, checkpoints, tell
        self.manifest: dict[str, Any] = {}
        self.rows = self.seals = self.covering = self.signatures = self.compared = 0

    def run(self) -> None:
        """Check everything; raises Wrong."""
        try:
            self._manifest()
            self._chain()
            self._files()
        except (KeyError, TypeError, AttributeError) as error:
            raise Wrong("This script does not know such a bundle: " + plain(error)) from error
        except BROKEN as error:
            raise Wrong("The bundle cannot be read: " + plain(error)) from error

    def _manifest(self) -> None:
        text, signature = self.bundle.read(MANIFEST), self.bundle.read(SIGNATURE)
        try:
            self.manifest = json.loads(text)
            self.key = bytes.fromhex(self.manifest["public_key"])
        except (ValueError, TypeError, KeyError):
            raise Wrong(f"{MANIFEST} cannot be read.") from None
        demand(signed_by(self.key, text, signature), f"{MANIFEST} is not what {SIGNATURE} signs.")
        known = self.manifest.get("form") == 1
        demand(known, f"{MANIFEST} has another form than this script knows.")
        mine = not self.keys or self.key in self.keys
        demand(mine, f"The bundle is signed by another key than yours: {self.key.hex()}")
        self.tell("The manifest is signed by the key " + self.key.hex()[:16] + "…")

    def _chain(self) -> None:
        proofs, rows = self.bundle.objects(PROOFS), self.bundle.lines(ROWS)
        proof, before, seal = next(proofs, None), None, None
        few = self.manifest["seals"]["covering"] <= FEW
        for seal in self.bundle.objects(SEALS):
            head = self._header(seal, before)
            if proof is not None and proof["seal"] == head["id"]:
                self._rows(head, proof, rows)
                if few:
                    self._signed(seal, head)
                proof = next(proofs, None)
            before = (head["id"], seal["hash"])
        demand(proof is None, f"{PROOFS} names a seal that {SEALS} does not hold in its order.")
        demand(next(rows, None) is None, f"{ROWS}, line {self.rows + 1}: no seal covers it.")
        said = self.manifest["rows"]
        demand(self.rows == said, f"There are {self.rows} rows; {MANIFEST} says {plain(said)}.")
        self._end(seal, before)

    def _header(self, seal: dict[str, Any], before: tuple[int, str] | None) -> dict[str, Any]:
        self.seals += 1
        text, said = seal["header"].encode(), seal["hash"]
        head: dict[str, Any] = json.loads(text)
        number = head["id"]
        name = f"Seal {plain(number)}"
        own = hashlib.sha256(text).hexdigest() == said
        demand(own, f"{name} does not have the hash that is written beside it.")
        if before is None:
            first = number == self.manifest["seals"]["first"]
            demand(first, f"{name} comes first, which is not the one that {MANIFEST} names.")
        else:
            follows = (number, head["previous"]) == (before[0] + 1, before[1])
            demand(follows, f"{name} does not follow the one before: the chain is broken.")
        kept = self.checkpoints.get(number)
        if kept is not None:
            self.compared += 1
            same = kept.hex() == said
            demand(same, f"{name} was another when your checkpoint was sent: {kept.hex()}")
        return head

    def _rows(self, head: dict[str, Any], proof: dict[str, Any], rows: Iterator[bytes]) -> None:
        before, name = self.rows, f"seal {plain(head['id'])}"
        chosen: dict[int, bytes] = {}
        for start, count in proof["leaves"]:
            for place in range(start, start + count):
                line = next(rows, None)
                if line is None or place in chosen:
                    raise Wrong(f"{ROWS} does not hold the rows that the proof of {name} is for.")
                chosen[place] = leaf_of(line)
        self.rows += len(chosen)
        try:
            root = root_from(head["rows"], chosen, map(bytes.fromhex, proof["proof"]))
        except ValueError as error:
            raise Wrong(f"The proof of {name} is damaged: {plain(error)}.") from error
        lines = f"{ROWS}, lines {before + 1} to {self.rows}"
        same = root.hex() == head["root"]
        demand(same, f"{lines}: one of these rows, or more, is not what {name} sealed.")
        self.covering += 1

    def _signed(self, seal: dict[str, Any], head: dict[str, Any]) -> None:
        key, signature = bytes.fromhex(head["public_key"]), bytes.fromhex(seal["signature"])
        good = signed_by(key, bytes.fromhex(seal["hash"]), signature)
        demand(good, f"Seal {plain(head['id'])} is not signed by the key that it names.")
        self.signatures += 1

    def _end(self, seal: dict[str, Any] | None, before: tuple[int, str] | None) -> None:
        head = self.manifest["head"]
        if seal is None or before != (head["seal"], head["hash"]):
            raise Wrong(f"{SEALS} does not end with the head that {MANIFEST} names.")
        header = json.loads(seal["header"])
        same = header["public_key"] == self.key.hex()
        demand(same, "The head of the chain is signed by another key than the manifest.")
        self._signed(seal, header)
        compared = self.compared > 0 or not self.checkpoints
        demand(compared, "None of your checkpoints is of a seal here: nothing could be compared.")
        self.tell(f"Each of the {self.rows} rows is what was sealed, by {self.covering} seals")
        self.tell(f"The chain of {self.seals} seals is whole up to the head, seal {head['seal']}")
        self.tell(f"{self.signatures} signatures of seals are good")
        if self.compared:
            self.tell(f"{self.compared} of your checkpoints agree")

    def _files(self) -> None:
        files = self.manifest["files"]
        demand({ROWS, SEALS, PROOFS} <= set(files), f"{MANIFEST} does not name all files.")
        for name, said in sorted(files.items()):
            digest = hashlib.sha256()
            with self.bundle.open(name) as file:
                for block in iter(lambda: file.read(1 << 20), b""):
                    digest.update(block)
            same = digest.hexdigest() == said["sha256"]
            demand(same, f"{name} is not the file that {MANIFEST} names: its sha-256 is another.")
        self.tell(f"{len(files)} files have the sha-256 of the manifest")


def demand(holds: bool, otherwise: str) -> None:
    """Raise Wrong unless something holds."""
    if not holds:
        raise Wrong(otherwise)


def plain(value: Any) -> str:
    """Return a value as text that no terminal takes for commands."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(value))[:500]


def read_checkpoints(path: Path) -> dict[int, bytes]:
    """Read heads that were kept elsewhere."""
    kept = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.strip():
            try:
                value = json.loads(line)
                kept[int(value["seal"])] = bytes.fromhex(value["hash"])
            except (ValueError, TypeError, KeyError):
                raise Wrong(f"{path.name}, line {number}: is no checkpoint.") from None
    if not kept:
        raise Wrong(f"{path.name} holds no checkpoint.")
    return kept


def _summary(check: Check, say: Callable[[str], None]) -> None:
    said, head = check.manifest, check.manifest["head"]
    asked = ", ".join(f"{title}: {value}" for title, value in said["filter"]["words"])
    left_out = (
        f"{said['withheld']} that this person may not read, {said['unsealed']} not sealed yet"
    )
    facts = {
        "Search": asked or "everything",
        "Taken": f"{said['made_at']} by {said['made_by']['name']}",
        "Rows": check.rows,
        "Left out": left_out,
        "Head": f"seal {head['seal']}, sealed {head['sealed_at']}, hash {head['hash']}",
        "Key": check.key.hex(),
    }
    say("\nVERIFIED")
    for title, fact in facts.items():
        say(f"  {title:<10} {plain(fact)}")
    if not check.keys:
        say(
            "  Is it the right key? Compare it with the one that you know, or give that: --public-key"
        )
    if not check.compared:
        say("  A log rewritten as a whole shows only against heads kept elsewhere: --checkpoints")


def main() -> int:
    """Verify what the command line names."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    parser = argparse.ArgumentParser(
        description="Verify an evidence bundle of Steward's audit log."
    )
    parser.add_argument("bundle", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument(
        "--public-key", action="append", default=[], type=bytes.fromhex, metavar="HEX"
    )
    parser.add_argument("--checkpoints", type=Path, metavar="FILE")
    asked = parser.parse_args()

    def say(text: str) -> None:
        sys.stdout.write(text + "\n")

    try:
        kept = read_checkpoints(asked.checkpoints) if asked.checkpoints else {}
        check = Check(
            Bundle(asked.bundle),
            keys=asked.public_key,
            checkpoints=kept,
            tell=lambda text: say("ok  " + text),
        )
        check.run()
    except (Wrong, *BROKEN) as error:
        say(f"\nNOT VERIFIED\n  {plain(error)}")
        return 1
    _summary(check, say)
    return 0


if __name__ == "__main__":
    sys.exit(main())
