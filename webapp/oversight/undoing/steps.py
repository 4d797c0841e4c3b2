"""A plan of undoing: its steps, and what of the log stays. Plain values."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from webapp.core.errors import DomainError
from webapp.core.language import _

Pair = tuple[Any, Any]
Did = Literal["created", "updated", "deleted"]
Verb = Literal["change", "remove", "bring_back"]
# What a row of the log did, and what takes it back.
OPPOSITE: dict[str, Verb] = {"created": "remove", "updated": "change", "deleted": "bring_back"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What one row of the log did to one thing: ``key`` names it among those of its ``kind``."""

    kind: str
    key: Any
    did: Did
    fields: dict[str, Pair]


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """A row that no step takes back, and why; one that ``blocks`` keeps the request from being undone whole."""

    row: Any
    why: str
    blocks: bool


@dataclass(kw_only=True, slots=True)
class Step:
    """What becomes of one thing: ``fields`` have what it was before the change, and what it became by it."""

    kind: str
    key: Any
    verb: Verb
    fields: dict[str, Pair]
    rows: list[Any]
    record: Any = None
    why: str | None = None
    later: Any = None  # the row of a later change that forbids it
    missing: str | None = None  # the permission for lack of which it is refused; "": one not named
    hidden: bool = False  # its values are not for this reader
    context: dict[str, Any] = field(default_factory=dict)  # what rows beside it tell

    @property
    def row(self) -> Any:
        """The row by which it is named."""
        return self.rows[-1]

    @property
    def mark(self) -> str:
        """What the seal is made of: the thing as it stands, and what shall become of it."""
        version = getattr(self.record, "version", None)
        values = sorted((name, repr(pair)) for name, pair in self.fields.items())
        return f"{self.kind} {self.key!r} {self.verb} {version} {values} {self.why is None}"


@dataclass(kw_only=True, slots=True)
class Plan:
    """All of it. ``more``: the request did more than can be undone here."""

    request_id: str | None
    steps: list[Step]
    left: Sequence[Left] = ()
    more: bool = False
    single: bool = False  # about one row of a request
    seal: str = (
        ""  # a mark of what is shown: other things, other values or other refusals have another
    )

    @property
    def ready(self) -> list[Step]:
        """What can be undone."""
        return [step for step in self.steps if step.why is None]

    @property
    def refused(self) -> list[Step]:
        """What cannot."""
        return [step for step in self.steps if step.why is not None]

    @property
    def blocking(self) -> list[Left]:
        """Rows that keep it from being undone whole."""
        return [one for one in self.left if one.blocks]

    @property
    def staying(self) -> list[Left]:
        """Rows that follow from others, or changed nothing."""
        return [one for one in self.left if not one.blocks]

    @property
    def whole(self) -> bool:
        """True if nothing of it stays behind."""
        return not (self.refused or self.blocking or self.more)

    def sealed(self) -> "Plan":
        """Note the mark, before anything is tried."""
        self.seal = _hash(sorted(step.mark for step in self.steps))
        return self

    @property
    def agreement(self) -> str:
        """A mark of what would stay behind."""
        rows = [f"{one.row.id}" for one in self.blocking]
        return _hash(sorted([f"{step.kind} {step.key!r}" for step in self.refused] + rows))


def _hash(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


class Changed(DomainError):
    """Things are not any more what the preview showed; ``plan`` has what they are."""

    code = "changed"

    def __init__(self, plan: Plan) -> None:
        """Say what to do about it."""
        super().__init__(_("Something changed since you looked. Look again, then confirm."))
        self.plan = plan


class NotWhole(DomainError):
    """Part of it cannot be undone, and nobody agreed to leave exactly that."""

    code = "not_whole"

    def __init__(self, plan: Plan) -> None:
        """Keep what can be, and what cannot."""
        super().__init__(
            _("Not all of this can be undone, so nothing was. Each refusal has its reason below.")
        )
        self.plan = plan
