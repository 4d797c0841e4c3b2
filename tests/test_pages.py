"""The check of pages finds what is wrong, also in a page like one that it has parsed before."""

import pytest

from tests import pages

PAGE = """<!doctype html><html lang="en"><head><title>Pumps · Steward</title></head><body><h1 class="x">Pumps</h1>
<table><tbody><tr id="row-1"><td>One &amp; two</td><td></td></tr><tr id="row-2"><td>Three</td><td> </td></tr></tbody>
</table>
<form method="post" action="/pumps/1?a=b&amp;c=d"><input type="text" name="q"></form></body></html>"""


@pytest.fixture(autouse=True)
def _known() -> None:
    pages.check_page(PAGE)


def test_pages_are_parsed_once_whatever_their_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "parse", None)
    other = PAGE.replace("Pumps", "Big valves").replace("row-", "line-").replace("One", "Eins 1")
    pages.check_page(other.replace("/pumps/1", "/valves/20?x=%20"))


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("row-2", "row-1", "ids used twice"),
        ('class="x">Pumps', 'class="x">Valves', "lacks"),
        ('class="x">Pumps', 'class="x">', "lacks"),
        ("</h1>", "</h1><h1>Pumps</h1>", "one h1"),
        ('"/pumps/1?a=b&amp;c=d"', '""', "without an action"),
        (' action="/pumps/1?a=b&amp;c=d"', "", "without an action"),
        ("&amp; two", "&nothing; two", "not HTML5"),
        ("One", "One\x01", "not HTML5"),
        ("One", "One\ufffe", "not HTML5"),
        ("&amp;c=d", "&amp=d", "not HTML5"),
        ("<td></td></tr>", "</tr>", None),
        ("</tbody>", "</tbody></div>", "not HTML5"),
        ('name="q"', 'name="q" name="r"', "not HTML5"),
        ('name="q"', 'name="q"class="r"', "not HTML5"),
        ("</tbody>", '</tbody><input type="text">', "not HTML5"),
        ("</tbody>", "</tbody><!-- a--b -->", "not HTML5"),
    ],
)
def test_what_is_wrong_is_found(right: str, wrong: str, says: str | None) -> None:
    page = PAGE.replace(right, wrong)
    assert page != PAGE
    for _ in range(2):
        if says is None:
            pages.check_page(page)
            continue
        with pytest.raises(AssertionError, match=says):
            pages.check_page(page)


def test_the_kind_of_a_field_is_no_mere_value() -> None:
    hidden = PAGE.replace("<tbody>", '<input type="hidden" name="_key"><tbody>')
    with pytest.raises(AssertionError, match="not HTML5"):  # html5lib goes by the HTML5 of 2014
        pages.parse(hidden)
    with pytest.raises(AssertionError, match="not HTML5"):
        pages.check_page(hidden.replace("hidden", "text"))
