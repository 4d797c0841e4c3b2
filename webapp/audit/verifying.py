"""Checking the log against its seals: names the first wrong row or gap, and everything else that does not fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from webapp.audit.sealing import Connection

Told = Callable[[int, int], None]  # (rows checked, rows to check)


@dataclass(frozen=True)
class Finding:
    """One thing that does not fit: in which seal, at which row if it is known, and in words."""

    kind: str
    seal: int | None
    row: int | None
    words: str


@dataclass(kw_only=True)
class Report:
    """What was checked and found, the first fault first. ``unsealed`` rows wait for the next seal."""

    findings: list[Finding] = field(default_factory=list)
    seals: int = 0
    rows: int = 0
    unsealed: int = 0
    seal_from: int | None = None
    seal_to: int | None = None

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings


def verify(
    connection: Connection,
    *,
    first: int | None = None,
    last: int | None = None,
    heads: Mapping[int, bytes] | None = None,
    trusted: bytes | None = None,
    told: Told | None = None,
) -> Report:
    """Recompute the seals from ``first`` to ``last`` (all, if not given) from the rows, in one snapshot.

    ``heads`` are hashes of seals kept outside the database, ``trusted`` is the public key that must have signed.
    ``told`` is called about twice a second with rows checked and rows to check.
    """
    raise NotImplementedError


def keep(
    connection: Connection,
    report: Report,
    *,
    asked_by: str,
    started_at: datetime,
    checkpoints: int,
) -> int:
    """Add a check to the history, compared with so many ``checkpoints``; give its id."""
    raise NotImplementedError


def seal_at(connection: Connection, moment: datetime, *, until: bool = False) -> int | None:
    """Give the first seal made at or after ``moment``, or with ``until`` the last one made before it."""
    raise NotImplementedError


def as_json(finding: Finding) -> dict[str, Any]:
    """Give a finding as audit_check keeps it."""
    return {
        "kind": finding.kind,
        "seal": finding.seal,
        "row": finding.row,
        "words": finding.words,
    }
