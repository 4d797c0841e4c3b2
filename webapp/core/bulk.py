"""An action on all rows that a list matches: the filter travels, not thousands of ids, and a seal of what was seen."""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.datastructures import MultiDict

from webapp.core.errors import DomainError
from webapp.core.language import _

MOST = 500  # rows that one action changes
NAMED = 50  # rows that its preview names
MAX_QUERY = 2000
REQUEST = re.compile(r"job-[1-9][0-9]{0,18}|[A-Za-z0-9-]{8,64}", re.ASCII)  # what can be undone
# What the log gives as the reason; ``audit.reasons`` has them translated.
UNDOING, REPEATING = "undoing an earlier change", "repeating a change that was undone"
Told = Callable[[int, int], None]  # hears how many of how many are done


class SeenOther(DomainError):
    """Other rows match now than those that were confirmed."""

    status = HTTPStatus.CONFLICT

    def __init__(self) -> None:
        """Say what to do about it."""
        super().__init__(_("Other people match now than those you saw. Look again, then confirm."))


def args_of(query: str) -> MultiDict[str, str]:
    """Read the filter that a list put into its selection (``Page.query``)."""
    return MultiDict(parse_qsl(query[:MAX_QUERY].removeprefix("?")))


def seal(ids: Iterable[int]) -> str:
    """Return a mark of the rows that a preview showed; another set has another mark."""
    listed = ",".join(str(number) for number in sorted(ids))
    return hashlib.sha256(listed.encode()).hexdigest()[:32]


def check_seal(ids: Iterable[int], *, seen: str) -> None:
    """Refuse to act on other rows than those that were seen.

    Raises:
        SeenOther: if another set matches by now.
    """
    if seal(ids) != seen:
        raise SeenOther


class Changed(DomainError):
    """The rows are not any more what the preview showed."""

    def __init__(self) -> None:
        """Say what to do about it."""
        super().__init__(_("Some of these changed since you looked. Look again, then confirm."))


def seal_versions(rows: Iterable[Any], *also: str) -> str:
    """Return a mark of which rows (id, version) there are, as they stand now; ``also`` names what else counts."""
    names = ("id", "version", *also)
    listed = ",".join(sorted(".".join(str(getattr(row, one)) for one in names) for row in rows))
    return hashlib.sha256(listed.encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What becomes of one row: its changes (old and new by field), or why it stays as it is."""

    id: int
    label: str
    name: str
    changes: dict[str, tuple[Any, Any]]
    why: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What becomes of all of them; ``seal`` marks what was seen, ``more`` that others match, too.

    ``aside`` says that they are too many to change them while somebody waits; ``again`` that what was undone is
    undone: it is once more what it had become.
    """

    verdicts: Sequence[Verdict]
    seal: str = ""
    more: bool = False
    aside: bool = False
    again: bool = False

    @property
    def changed(self) -> list[Verdict]:
        """Those that change."""
        return [one for one in self.verdicts if one.changes and not one.why]

    @property
    def refused(self) -> list[Verdict]:
        """Those that may not."""
        return [one for one in self.verdicts if one.why]

    @property
    def same(self) -> int:
        """How many are as they shall be already."""
        return len(self.verdicts) - len(self.changed) - len(self.refused)
