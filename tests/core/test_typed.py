"""What stands in an address is a number, a key, a day or a flag, or it is refused."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from webapp.core.search import UnknownFilter
from webapp.core.typed import day_in, flag_in, keyed_in, number_in, number_of


@pytest.mark.parametrize("text", ["", None, "x", "-1", "1.5", " 1", "\u00b2", "\u0661", "9" * 19])
def test_what_is_no_number_is_none(text: Any) -> None:
    assert number_of(text) is None


def test_what_is_one_is_read() -> None:
    assert [number_of("7"), number_of(7), number_of("9" * 18)] == [7, 7, 10**18 - 1]
    assert number_in("") is None and keyed_in("client:4", ("client",)) == ("client", 4)
    assert day_in("2026-02-28") == date(2026, 2, 28) and flag_in("1") and not flag_in(None)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (number_in, "\u00b2"),
        (lambda text: keyed_in(text, ("client",)), "asset:4"),
        (lambda text: keyed_in(text, ("client",)), "client:04"),
        (day_in, "2026-02-30"),
        (flag_in, "yes"),
    ],
)
def test_what_is_none_is_refused(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(UnknownFilter):
        read(text)
