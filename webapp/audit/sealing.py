"""Seals: each minute the rows of finished transactions get a Merkle root per month, chained to the seal before and signed.

A window is by transaction id, ``xid_from <= xid < xid_to``: ids of rows commit out of order, but below the oldest
transaction still running nothing can join later.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from webapp.core.config import Settings
from webapp.core.errors import DomainError

FIRST = b"\x00" * 32  # what the first seal is chained to

Connection = psycopg.Connection[Any]


class NoSealer(DomainError):
    """Nobody can seal or verify here: the sealer's role or key is unknown, or cannot be used."""


class Restored(DomainError):
    """The database went back behind its last seal: it was restored into another cluster."""


@dataclass(frozen=True, kw_only=True)
class SealHead:
    """The end of the chain, as it goes out of the database; ``rows`` counts those of all seals up to it."""

    id: int
    hash: bytes
    signature: bytes
    public_key: bytes
    sealed_at: datetime
    rows: int


@dataclass(frozen=True, kw_only=True)
class Seal:
    """A row of audit_seal, and the names of its columns; transaction ids are numbers here."""

    id: int
    kind: str
    epoch: int
    month: str
    xid_from: int
    xid_to: int
    rows: int
    id_min: int | None
    id_max: int | None
    form: int
    root: bytes
    previous: bytes
    public_key: bytes
    sealed_at: datetime
    hash: bytes = b""
    signature: bytes = b""


def header(seal: Seal) -> bytes:
    """Give what is hashed and signed of a seal: canonical JSON of all its columns but hash and signature.

    Keys in order, no spaces; bytes as hex, transaction ids as text, the time as microseconds since 1970.
    """
    said = {
        field.name: _plain(field.name, getattr(seal, field.name))
        for field in fields(Seal)
        if field.name not in {"hash", "signature"}
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        since = value.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86400 + since.seconds) * 1000000 + since.microseconds
    return str(value) if name in {"xid_from", "xid_to"} else value


def hash_of(seal: Seal) -> bytes:
    """Give the hash that the next seal is chained to."""
    return hashlib.sha256(header(seal)).digest()


def load_key(path: Path, *, create: bool = False) -> Ed25519PrivateKey:
    """Read the private key that signs seals; make one, readable by its owner only, if there is none.

    Raises:
        NoSealer: there is no such key, or it cannot be used.
    """
    raise NotImplementedError


def public_key(path: Path) -> bytes:
    """Give the 32 bytes of the public key that belongs to the private (or is the public) key in a file.

    Raises:
        NoSealer: there is no such key, or it cannot be used.
    """
    raise NotImplementedError


def connect(settings: Settings) -> Connection:
    """Open a connection as the sealer, autocommit, without limits on time.

    Raises:
        NoSealer: nobody told the sealer's URL, or the database refuses it.
    """
    raise NotImplementedError


def head(connection: Connection) -> SealHead | None:
    """Give the end of the chain; None if nothing is sealed yet."""
    raise NotImplementedError


def seals(connection: Connection, *, first: int = 1, last: int | None = None) -> Iterator[Seal]:
    """Stream the seals from ``first`` to ``last``, both included, inside a transaction."""
    raise NotImplementedError


def leaves_of(connection: Connection, seal: Seal) -> Iterator[tuple[int, bytes]]:
    """Stream the rows under a seal as (id, leaf) in the order of its leaves, inside a transaction."""
    raise NotImplementedError


def seal(connection: Connection, key: Ed25519PrivateKey) -> int:
    """Seal what every finished transaction has written since the last seal; give the number of rows.

    All seals are written in one transaction, or none. Two sealers wait for each other.

    Raises:
        Restored: the transaction ids went back; `flask audit epoch` is needed first.
        NoSealer: the last seal does not carry its own signature, so nothing may be chained to it.
    """
    raise NotImplementedError
