"""Values of the log as the columns have them."""

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, DateTime, Enum, Numeric

from webapp.audit import asof, recorder
from webapp.core.language import _

CUT = recorder.MAX_TEXT


def read(model: Any, name: str, stored: Any) -> Any:
    """Return a value of the log as the attribute ``name`` of a model holds it.

    Raises:
        ValueError: if it is none that the column could hold.
    """
    column = model.__mapper__.column_attrs[name].columns[0].type
    if stored is None:
        return None
    if isinstance(column, Enum) and column.enum_class is not None:
        kind: type[enum.Enum] = column.enum_class
        return kind(stored)
    if isinstance(column, DateTime):
        return datetime.fromisoformat(stored)
    if isinstance(column, Date):
        return date.fromisoformat(stored)
    if isinstance(column, Numeric) and isinstance(stored, str):
        return Decimal(stored)
    return stored


def has(model: Any, name: str) -> bool:
    """Tell whether a model has the column."""
    return name in model.__mapper__.column_attrs


def is_still(record: Any, name: str, stored: Any) -> bool:
    """Tell whether a record is as the log says that a change left it."""
    now = getattr(record, name)
    if isinstance(stored, str) and len(stored) >= CUT and isinstance(now, str):
        return now.startswith(stored)
    try:
        return bool(now == read(type(record), name, stored))
    except (ValueError, TypeError, ArithmeticError):
        return False


def now(record: Any, name: str, told: Any) -> Any:
    """Return what a record holds, as the log would write it; what was ``told`` if that is the same or secret."""
    if record is None or not has(type(record), name) or name in getattr(record, "audit_secret", ()):
        return told
    if is_still(record, name, told):
        return told
    return asof.plain(type(record).__mapper__.column_attrs[name].columns[0], getattr(record, name))


def why_lost(name: str, pair: tuple[Any, Any]) -> str | None:
    """Say why a value cannot be taken from the log, or None."""
    old = pair[0]
    if list(pair) == recorder.SECRET:
        return _("The log keeps no secrets, so what it was before is not known.")
    if isinstance(old, str) and len(old) >= CUT:
        return _("The text was so long that the log keeps only its beginning.")
    return None
