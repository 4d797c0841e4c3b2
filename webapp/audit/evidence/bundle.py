"""A zip file that proves itself: rows, their seals, proofs, a signed manifest, and the script that checks it.

Rows stand in the order of seals and leaves, so that whoever makes or checks a bundle holds one seal in memory.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from webapp.audit import sealing
from webapp.audit.evidence import verify
from webapp.audit.evidence.covering import Covering
from webapp.audit.evidence.readme import README
from webapp.audit.leaves import Connection
from webapp.audit.multiproof import Prover
from webapp.core.errors import DomainError
from webapp.core.language import _

FORM = 1
LEVEL = 4  # of compression; more costs twice the time for a few percent
TELL_EVERY = 1000  # rows
_SCRIPT = Path(verify.__file__)
_DER = bytes.fromhex(
    "302a300506032b6570032100"
)  # what stands before an Ed25519 key in its PEM file


def script_sha256() -> str:
    """Return the SHA-256 of the script in bundles, by which auditors know it."""
    return hashlib.sha256(_SCRIPT.read_bytes()).hexdigest()


class NotProven(DomainError):
    """The rows are not what was sealed; nothing is given out that would not verify."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the manifest says of the search and of who took it away."""

    query: str
    words: list[tuple[str, str]]
    since: datetime | None = None
    until: datetime | None = None
    asked_at: datetime | None = None
    made_at: datetime
    person: dict[str, Any]
    source: str
    withheld: int = 0


@dataclass
class _Counted:
    """A file that is hashed while it is written."""

    file: IO[bytes]
    digest: Any = field(default_factory=hashlib.sha256)
    size: int = 0

    def write(self, block: bytes) -> None:
        """Write and hash."""
        self.file.write(block)
        self.digest.update(block)
        self.size += len(block)

    def said(self) -> dict[str, Any]:
        """Return what the manifest says of the file."""
        return {"sha256": self.digest.hexdigest(), "size": self.size}


def write(
    target: IO[bytes],
    *,
    connection: Connection,
    key: Ed25519PrivateKey,
    covering: Covering,
    asked: Asked,
    tell: Callable[[int], None],
) -> None:
    """Write the bundle of the rows that ``covering`` holds; ``tell`` gets how many leaves are done.

    Raises:
        NotProven: if the log is not what was sealed.
    """
    head = sealing.head(connection)
    if head is None:
        raise NotProven(_("Nothing of the log is sealed yet, so nothing can be proven."))
    first = min(covering.seals, default=head.id)
    with ZipFile(target, "w", ZIP_DEFLATED, compresslevel=LEVEL) as bundle, _aside() as proofs:
        files = {verify.ROWS: _rows(bundle, covering, proofs, tell)}
        others: dict[str, Iterable[bytes]] = {
            verify.PROOFS: _blocks(proofs),
            verify.SEALS: _seals(connection, first, head),
            _SCRIPT.name: [_SCRIPT.read_bytes()],
            "README.txt": [_readme(head.public_key)],
        }
        files |= {name: _copy(bundle, name, blocks) for name, blocks in others.items()}
        manifest = _manifest(asked, covering, (head, first), files)
        _copy(bundle, verify.MANIFEST, [manifest])
        _copy(bundle, verify.SIGNATURE, [key.sign(manifest)])


def _aside() -> IO[bytes]:
    return cast("IO[bytes]", TemporaryFile())


def _rows(
    bundle: ZipFile, covering: Covering, proofs: IO[bytes], tell: Callable[[int], None]
) -> dict[str, Any]:
    """Write the chosen rows, and the proof of each seal aside."""
    current: _Proof | None = None
    done = 0
    with bundle.open(_info(verify.ROWS), "w", force_zip64=True) as file:
        rows = _Counted(file)
        for leaf in covering.leaves():
            if current is None or current.seal != leaf.seal:
                if current is not None:
                    proofs.write(current.finish())
                current = _Proof(covering, leaf.seal)
            line = leaf.line.encode()
            if current.take(leaf.id, line):
                rows.write(line + b"\n")
            done += 1
            if done % TELL_EVERY == 0:
                tell(done)
        if current is not None:
            proofs.write(current.finish())
    tell(done)
    return rows.said()


class _Proof:
    """The proof of one seal, in the making."""

    def __init__(self, covering: Covering, seal: int) -> None:
        self.seal = seal
        self._sealed, self._chosen = covering.sealed(seal), covering.chosen_of(seal)
        self._prover, self._runs = Prover(), list[list[int]]()

    def take(self, row_id: int, line: bytes) -> bool:
        """Take the next row; tell whether it is one of the chosen."""
        chosen, place = row_id in self._chosen, self._prover.count
        self._prover.add(verify.leaf_of(line), chosen=chosen)
        if chosen and self._runs and sum(self._runs[-1]) == place:
            self._runs[-1][1] += 1
        elif chosen:
            self._runs.append([place, 1])
        return chosen

    def finish(self) -> bytes:
        """Return the line of the proof.

        Raises:
            NotProven: if the rows are not those that were sealed.
        """
        root, parts = self._prover.finish()
        taken = sum(count for _place, count in self._runs)
        if (self._prover.count, root) != self._sealed or taken != len(self._chosen):
            text = _(
                "The rows under seal %(seal)s are not what was sealed. Have the integrity of the log checked.",
                seal=self.seal,
            )
            raise NotProven(text)
        proof = [part.hex() for part in parts]
        return _line({"seal": self.seal, "leaves": self._runs, "proof": proof})


def _seals(connection: Connection, first: int, head: sealing.SealHead) -> Iterator[bytes]:
    with connection.transaction():
        for seal in sealing.seals(connection, first=first, last=head.id):
            said = {"header": sealing.header(seal).decode(), "hash": seal.hash.hex()}
            yield _line(said | {"signature": seal.signature.hex()})


def _manifest(
    asked: Asked, covering: Covering, ends: tuple[sealing.SealHead, int], files: dict[str, Any]
) -> bytes:
    head, first = ends
    said = {
        "form": FORM,
        "source": asked.source,
        "made_at": asked.made_at.isoformat(),
        "made_by": asked.person,
        "filter": {
            "query": asked.query,
            "words": asked.words,
            "asked_at": _iso(asked.asked_at),
            "since": _iso(asked.since),
            "until": _iso(asked.until),
        },
        "rows": covering.rows,
        "withheld": asked.withheld,
        "unsealed": len(covering.left),
        "seals": {"first": first, "last": head.id, "covering": len(covering.seals)},
        "head": {
            "seal": head.id,
            "hash": head.hash.hex(),
            "sealed_at": head.sealed_at.isoformat(),
            "rows": head.rows,
        },
        "public_key": head.public_key.hex(),
        "files": files,
    }
    return json.dumps(said, ensure_ascii=False, indent=1).encode() + b"\n"


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None


def _readme(public_key: bytes) -> bytes:
    pem = base64.b64encode(_DER + public_key).decode()
    return README.format(pem=pem).encode()


def _copy(bundle: ZipFile, name: str, blocks: Iterable[bytes]) -> dict[str, Any]:
    with bundle.open(_info(name), "w", force_zip64=True) as file:
        counted = _Counted(file)
        for block in blocks:
            counted.write(block)
    return counted.said()


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(1 << 20):
        yield block


def _info(name: str) -> ZipInfo:
    info = ZipInfo(name, datetime.now(UTC).timetuple()[:6])
    info.compress_type, info.external_attr = ZIP_DEFLATED, 0o644 << 16
    return info


def _line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
