#!/usr/bin/env python3
"""Verify an evidence bundle of Steward's audit log, with Python 3.9 or newer and nothing else.

    python3 -I verify.py                    the bundle is in the directory of this script
    python3 -I verify.py evidence.zip       or in this zip file or directory
    python3 -I verify.py --help             says how to give the key and the heads that you know

It exits with 0 if everything holds, with 1 after naming the first thing that does not, and with 2 if nothing could be
compared with the heads that you gave; see README.txt.
"""

import sys

# Before anything else is imported: without -I that would be taken from beside this script, from the bundle itself.
if __name__ == "__main__" and not sys.flags.isolated:
    sys.exit("Run it as: python3 -I verify.py ... (without -I, files beside it would run as well)")

import argparse
import hashlib
import json
import zipfile
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

ROWS, SEALS, PROOFS = "rows.jsonl", "seals.jsonl", "proofs.jsonl"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
FEW = 200  # seals: of these each signature is checked, of more the head's, as the chain covers them
BROKEN = (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)
Say = Callable[[str], None]
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
    scalar = int.from_bytes(signature[32:], "little")
    try:
        key = _point(public_key)
    except ValueError:
        return False
    twice = _sum(key, key)  # a key of order 8 or less would sign what nobody has signed
    whole = (len(public_key), len(signature)) == (32, 64)
    if not whole or scalar >= ORDER or not _sum(twice, twice)[0]:
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
    """Return a root from some of ``count`` leaves and the parts without any; raises ValueError."""
    places, rest = sorted(chosen), iter(proof)
    if not places or places[0] < 0 or places[-1] >= count:
        raise ValueError("places outside the tree")

    def node(low: int, high: int, first: int, last: int) -> bytes:
        if first == last:
            part = next(rest, b"")
            if len(part) == 32:  # noqa: PLR2004 - sha-256
                return part
            raise ValueError("a part of the proof is missing")
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
        self.path, self.at = path, MANIFEST
        self.zip = None if path.is_dir() else zipfile.ZipFile(path)
        self.names = self.zip.namelist() if self.zip else [each.name for each in path.iterdir()]
        once = self.zip is None or len({name.casefold() for name in self.names}) == len(self.names)
        demand(once, "Two files in the zip have the same name, but for upper and lower case.")

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
            for number, line in enumerate(iter(lambda: file.readline(LONGEST), b""), 1):
                demand(line[-1:] == b"\n", f"{name}, line {number}: its end is missing.")
                yield line[:-1]

    def objects(self, name: str) -> Iterator[dict[str, Any]]:
        """Read the lines of a file as JSON."""
        for number, line in enumerate(self.lines(name), 1):
            try:
                value = dict(json.loads(line))
            except (ValueError, TypeError, RecursionError):
                raise Wrong(f"{name}, line {number}: is no JSON object.") from None
            self.at = f"{name}, line {number}"
            yield value


class Check:
    """One verification. ``tell`` gets a line for each part that holds."""

    def __init__(
        self, bundle: Bundle, *, keys: list[bytes], checkpoints: dict[int, bytes], tell: Say
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
            raise Wrong(f"{self.bundle.at}: cannot be understood ({plain(error)}).") from error
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
        if self.manifest.get("form") != 1:
            raise Wrong(f"{MANIFEST} has another form than this script knows.")
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

    def _header(self, seal: dict[str, Any], before: "tuple[int, str] | None") -> dict[str, Any]:
        self.seals += 1
        text, said = seal["header"].encode(), seal["hash"]
        head: dict[str, Any] = json.loads(text)
        number, name = head["id"], f"Seal {plain(head['id'])}"
        if hashlib.sha256(text).hexdigest() != said:
            raise Wrong(f"{name} does not have the hash that is written beside it.")
        if before is None:
            first = number == self.manifest["seals"]["first"]
            demand(first, f"{name} comes first, which is not the one that {MANIFEST} names.")
        else:
            follows = (number, head["previous"]) == (before[0] + 1, before[1])
            demand(follows, f"{name} does not follow the one before: the chain is broken.")
        kept = self.checkpoints.get(number)
        self.compared += kept is not None
        if kept is not None and kept.hex() != said:
            raise Wrong(f"{name} was another when your checkpoint was sent: {kept.hex()}")
        return head

    def _rows(self, head: dict[str, Any], proof: dict[str, Any], rows: Iterator[bytes]) -> None:
        before, name = self.rows, f"seal {plain(head['id'])}"
        self.bundle.at = f"{PROOFS}, the proof of {name}"
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
        if root.hex() != head["root"]:
            lines = f"{ROWS}, lines {before + 1} to {self.rows}"
            raise Wrong(f"{lines}: one of these rows, or more, is not what {name} sealed.")
        self.covering += 1

    def _signed(self, seal: dict[str, Any], head: dict[str, Any]) -> None:
        key, signature = bytes.fromhex(head["public_key"]), bytes.fromhex(seal["signature"])
        good = signed_by(key, bytes.fromhex(seal["hash"]), signature)
        demand(good, f"Seal {plain(head['id'])} is not signed by the key that it names.")
        self.signatures += 1

    def _end(self, seal: "dict[str, Any] | None", before: "tuple[int, str] | None") -> None:
        head = self.manifest["head"]
        if seal is None or before != (head["seal"], head["hash"]):
            raise Wrong(f"{SEALS} does not end with the head that {MANIFEST} names.")
        header = json.loads(seal["header"])
        same = header["public_key"] == self.key.hex()
        demand(same, "The head of the chain is signed by another key than the manifest.")
        self._signed(seal, header)
        self.tell(f"The rows are sealed: {many(self.rows, 'row')}, {many(self.covering, 'seal')}")
        self.tell(f"The chain is whole up to the head: {many(self.seals, 'seal')}")
        self.tell(f"The signatures of seals are good: {self.signatures} checked")
        if self.compared:
            self.tell(f"Your checkpoints agree: {self.compared} compared")

    def _files(self) -> None:
        files = self.manifest["files"]
        demand({ROWS, SEALS, PROOFS} <= set(files), f"{MANIFEST} does not name all files.")
        self.strange = sorted(set(self.bundle.names) - {*files, MANIFEST, SIGNATURE})
        demand(
            self.bundle.zip is None or not self.strange,
            f"{MANIFEST} does not name {plain(', '.join(self.strange))}.",
        )
        for name, said in sorted(files.items()):
            digest = hashlib.sha256()
            with self.bundle.open(name) as file:
                for block in iter(lambda: file.read(1 << 20), b""):
                    digest.update(block)
            same = digest.hexdigest() == said["sha256"]
            demand(same, f"{name} is not the file that {MANIFEST} names: its sha-256 is another.")
        self.tell(f"The files are those of the manifest: {len(files)}, by their sha-256")


def demand(holds: bool, otherwise: str) -> None:
    """Raise Wrong unless something holds."""
    if not holds:
        raise Wrong(otherwise)


def plain(value: Any) -> str:
    """Return a value as text that no terminal takes for commands."""
    return "".join(sign if sign.isprintable() else "?" for sign in str(value))[:500]


def many(count: int, what: str) -> str:
    """Return a count with its noun."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def read_key(text: str) -> bytes:
    """Read a public key."""
    if len(text) != 64 or set(text.lower()) - set("0123456789abcdef"):  # noqa: PLR2004 - 32 bytes
        raise argparse.ArgumentTypeError("a public key is 64 hexadecimal digits")
    return bytes.fromhex(text)


def read_checkpoints(path: Path) -> dict[int, bytes]:
    """Read heads that were kept elsewhere."""
    kept: dict[int, bytes] = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        raise Wrong(f"cannot read {path}") from None
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line or "null")
            seal, digest = int(value["seal"]), bytes.fromhex(value["hash"])
        except (ValueError, TypeError, KeyError):
            demand(not line.strip(), f"{path.name}, line {number}: is no checkpoint.")
            continue
        same = kept.setdefault(seal, digest) == digest
        demand(same, f"{path.name}, line {number}: seal {seal} has two different hashes.")
    demand(bool(kept), f"{path.name} holds no checkpoint.")
    return kept


def _summary(check: Check, say: Say) -> None:
    said, head = check.manifest, check.manifest["head"]
    asked = ", ".join(f"{title}: {value}" for title, value in said["filter"]["words"])
    left = f"{said['withheld']} that this person may not read, {said['unsealed']} not sealed yet"
    facts = {
        "Search": asked or "everything",
        "Taken": f"{said['made_at']} by {said['made_by']['name']}",
        "Rows": check.rows,
        "Left out": left,
        "Head": f"seal {head['seal']}, sealed {head['sealed_at']}, hash {head['hash']}",
        "Key": check.key.hex(),
        "not proven:": ", ".join(check.strange),
    }
    alone = bool(check.checkpoints) and not check.compared
    say("\nVERIFIED, BUT NOT COMPARED" if alone else "\nVERIFIED")
    for title, fact in facts.items():
        if fact != "":
            say(f"  {title:<10} {plain(fact)}")
    if not check.keys:
        say("  Is it the right key? Compare it with the one you know, or give that: --public-key")
    if alone:
        seals = f"{plain(said['seals']['first'])} to {plain(head['seal'])}"
        say(f"  None of your checkpoints is of a seal from {seals}")
    elif not check.compared:
        say("  A log rewritten as a whole shows only against heads kept elsewhere: --checkpoints")


def main() -> int:
    """Verify what the command line names."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    parser = argparse.ArgumentParser(description="Verify evidence from the audit log of Steward.")
    option, here = parser.add_argument, Path(__file__).resolve().parent
    told = "the zip file, or a directory with its files; without it the directory of this script"
    option("bundle", nargs="?", type=Path, default=here, help=told)
    told = "the seal key as you know it from elsewhere, 64 hexadecimal digits; may be repeated"
    option("--public-key", action="append", default=[], type=read_key, metavar="HEX", help=told)
    told = 'heads kept outside the database, one a line: {"seal": 7, "hash": "..."}'
    option("--checkpoints", type=Path, metavar="FILE", help=told)
    asked = parser.parse_args()

    def say(text: str) -> None:
        sys.stdout.write(text + "\n")

    def tell(text: str) -> None:
        say("ok  " + text)

    try:
        kept = read_checkpoints(asked.checkpoints) if asked.checkpoints else {}
        check = Check(Bundle(asked.bundle), keys=asked.public_key, checkpoints=kept, tell=tell)
        check.run()
    except (Wrong, *BROKEN) as error:
        say(f"\nNOT VERIFIED\n  {plain(error)}")
        return 1
    _summary(check, say)
    return 2 if kept and not check.compared else 0


if __name__ == "__main__":
    sys.exit(main())
