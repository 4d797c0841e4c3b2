"""An action on all rows that a list matches: the filter travels, not thousands of ids, and a seal of what was seen."""

import hashlib
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import parse_qsl

from werkzeug.datastructures import MultiDict

from webapp.core.errors import DomainError
from webapp.core.language import _

MOST = 500  # rows that one action changes
NAMED = 50  # rows that its preview names
MAX_QUERY = 2000


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
