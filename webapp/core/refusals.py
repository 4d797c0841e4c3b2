"""What the database refuses, in words for people."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from webapp.core.db import db
from webapp.core.errors import DomainError

# By the name of the constraint: the words, and the field of the form that they belong to.
Refusals = Mapping[str, tuple[str, str | None]]


def constraint_of(error: IntegrityError) -> str:
    """Return the name of the constraint that refused; empty if the database named none."""
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None) or ""


@contextmanager
def told(refusals: Refusals) -> Iterator[None]:
    """Flush what happens inside, in a savepoint; turn the database's refusal into its words.

    Raises:
        DomainError: with the words of the constraint that refused.
        IntegrityError: if ``refusals`` has no words for it.
    """
    try:
        with db.session.begin_nested():
            yield
            db.session.flush()
    except IntegrityError as error:
        name = constraint_of(error)
        if name not in refusals:
            raise
        words, field = refusals[name]
        raise DomainError(words, field=field) from None
