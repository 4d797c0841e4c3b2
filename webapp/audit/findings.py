"""What a check of the log reports."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MOST = 20  # of one kind: whoever has changed a million rows need not be told a million times


@dataclass(frozen=True)
class Finding:
    """One thing that does not fit: in which seal, at which row if it is known, and in words."""

    kind: str
    seal: int | None
    row: int | None
    words: str

    def as_json(self) -> dict[str, Any]:
        """Give it as audit_check keeps it."""
        return {"kind": self.kind, "seal": self.seal, "row": self.row, "words": self.words}


@dataclass(kw_only=True)
class Report:
    """What was checked and found, the first fault first. ``unsealed`` rows wait for the next seal."""

    findings: list[Finding] = field(default_factory=list)
    seals: int = 0
    rows: int = 0
    unsealed: int = 0
    seal_from: int | None = None
    seal_to: int | None = None
    _kinds: Counter[str] = field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings

    def add(
        self, kind: str, words: str, *, seal: int | None = None, row: int | None = None
    ) -> None:
        """Note what was found; beyond ``MOST`` of a kind they are counted only."""
        self._kinds[kind] += 1
        if self._kinds[kind] <= MOST:
            self.findings.append(Finding(kind, seal, row, words))

    def counts_only(self, kind: str) -> bool:
        """Tell whether another one of this kind would not be listed; then it is counted, and needs no words."""
        if self._kinds[kind] < MOST:
            return False
        self._kinds[kind] += 1
        return True

    def close(self) -> None:
        """Put the first fault first, and say how many were not listed."""
        self.findings.sort(
            key=lambda each: (each.seal is None, each.seal or 0, each.row is None, each.row or 0)
        )
        for kind, count in self._kinds.items():
            if count > MOST:
                words = f"{count - MOST} more of the kind {kind} are not listed."
                self.findings.append(Finding(kind, None, None, words))
