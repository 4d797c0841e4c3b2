"""Places as a role or a question names them: a kind and a number, such as ``client:5``."""

from collections.abc import Sequence

from flask.typing import ResponseReturnValue

from webapp.core import pickers
from webapp.core.language import gettext
from webapp.core.pickers import Option
from webapp.core.typed import number_of
from webapp.organisation import choices
from webapp.organisation.tree import Reach


def answer(
    *, seen: Reach, within: Reach | None = None, kinds: Sequence[str] = choices.KINDS
) -> ResponseReturnValue:
    """Reply to the search box for a place of some kinds."""
    titles = {
        "location": gettext("Locations"),
        "client": gettext("Clients"),
        "project": gettext("Projects"),
    }
    rows, more = choices.find_places(pickers.typed(), kinds=kinds, seen=seen, within=within)
    options = [
        Option(value=f"{row.kind}:{row.id}", label=row.name, hint=row.hint, group=titles[row.kind])
        for row in rows
    ]
    return pickers.answer(options, more=more)


def label_of(scope: str | None, *, seen: Reach) -> str | None:
    """Return the name of a place in sight; None for anything else."""
    kind, _, number = (scope or "").partition(":")
    known = number_of(number)
    if kind not in choices.KINDS or known is None:
        return None
    return choices.label_of(kind, known, seen=seen)
