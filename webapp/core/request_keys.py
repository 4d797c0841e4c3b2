"""One-time keys: repeating a form or call returns its first result and writes nothing.

The key is stored with the result in the transaction of the change, so that it exists exactly when the change does.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, delete, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import IntPK, Model, db

MAX_KEY = 100
MAX_BODY = 256 * 1024
FORGET_EVERY = 1000  # keys after which those that nobody can repeat any more go


class RequestKey(Model):
    """A key that was used, and what the first use was answered."""

    __tablename__ = "request_keys"
    __table_args__ = (
        Index("uq_request_keys_owner_key", "owner", "key", unique=True),
        Index("ix_request_keys_created_at", "created_at"),
    )

    id: Mapped[IntPK]
    owner: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(MAX_KEY))
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    status: Mapped[int | None]
    headers: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstResult:
    """What the first use of a key was answered; ``same`` is false if it was for something else."""

    status: int
    headers: dict[str, str]
    body: bytes
    same: bool


def new_key() -> str:
    """Return a key for one form."""
    return secrets.token_urlsafe(16)


def claim(*, owner: str, key: str, fingerprint: bytes) -> FirstResult | None:
    """Take ``key`` for this transaction, or return what its first use was answered.

    A second use while the first still runs waits for it (at most ``lock_timeout``).
    """
    claimed = db.session.execute(
        pg_insert(RequestKey)
        .values(owner=owner, key=key, fingerprint=fingerprint)
        .on_conflict_do_nothing(index_elements=["owner", "key"])
        .returning(RequestKey.id)
    ).scalar()
    if claimed is not None:
        if claimed % FORGET_EVERY == 0:
            forget_old()
        return None
    row = db.session.execute(
        select(
            RequestKey.fingerprint, RequestKey.status, RequestKey.headers, RequestKey.body
        ).where(RequestKey.owner == owner, RequestKey.key == key)
    ).one()
    return FirstResult(
        status=row.status or 204,
        headers=row.headers or {},
        body=row.body or b"",
        same=row.fingerprint == fingerprint,
    )


def store(*, owner: str, key: str, status: int, headers: dict[str, str], body: bytes) -> None:
    """Keep the answer with the key; an answer over ``MAX_BODY`` bytes is kept without its body."""
    db.session.execute(
        update(RequestKey)
        .where(RequestKey.owner == owner, RequestKey.key == key)
        .values(status=status, headers=headers, body=body if len(body) <= MAX_BODY else b"")
    )


def forget_old() -> int:
    """Drop keys older than two days; return how many."""
    result = db.session.execute(
        delete(RequestKey).where(RequestKey.created_at < text("now() - interval '2 days'"))
    )
    return int(getattr(result, "rowcount", 0))
