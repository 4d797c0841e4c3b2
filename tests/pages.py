"""What every page of ours must be, checked on each one that a test opens."""

import re
from hashlib import blake2b
from html import unescape
from typing import NamedTuple

import html5lib
from flask.testing import FlaskClient
from html5lib.html5parser import ParseError
from werkzeug.test import TestResponse

HTML = "{http://www.w3.org/1999/xhtml}"
# To parse a page takes three times as long as to make it. Whether it is well made depends neither on its words nor
# on the values of its attributes (but `type`): pages that differ in those alone are parsed once.
_SAFE = r"[\w \t\n\r.,:;/?#@%+*()\[\]{}~·=-]*"
_PLAIN = rf"{_SAFE}(?:&(?:amp|lt|gt|quot|#34|#39);{_SAFE})*"
_VALUE = re.compile(rf'(?<!\btype)="{_PLAIN}"')
_WORDS = re.compile(rf">(?=[ \t\n\r]*[^ \t\n\r<]){_PLAIN}<")
_parsed: set[bytes] = set()


class CheckedClient(FlaskClient):
    """A test client that refuses pages which are not well made; `user` is who is signed in."""

    user = None

    def open(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        kwargs.setdefault("buffered", True)  # and closed
        response = super().open(*args, **kwargs)
        response.request.environ["wsgi.input"].close()  # a large form lies in a file of Werkzeug's
        if is_page(response):
            check_page(response.get_data(as_text=True))
        return response


class Facts(NamedTuple):
    """What the rules of ours go by."""

    headings: list[str]
    title: str
    ids: list[str]
    forms: list[tuple[str, str]]  # method and action


def is_page(response: TestResponse) -> bool:
    return (
        response.mimetype == "text/html" and response.get_data()[:15].lower() == b"<!doctype html>"
    )


def check_page(html: str) -> None:
    shape = shape_of(html)
    facts = read(html)
    if shape is None or shape not in _parsed:
        parsed = parse(html)
        if shape is not None and parsed == facts:
            _parsed.add(shape)
        facts = parsed
    check(facts)


def shape_of(html: str) -> bytes | None:
    """A page without its words and values; None if it has comments, where these might matter."""
    if "<!--" in html:
        return None
    bare = _WORDS.sub(">w<", _VALUE.sub('=""', html))
    return blake2b(bare.encode(errors="surrogatepass")).digest()


def parse(html: str) -> Facts:
    """What a parser finds that forgives nothing."""
    try:
        tree = html5lib.HTMLParser(strict=True).parse(html)
    except ParseError as error:
        line = html.splitlines()[max(0, _line_of(html) - 1)][:200]
        raise AssertionError(f"not HTML5: {error} near: {line}") from error
    forms = [(form.get("method", ""), form.get("action", "")) for form in tree.iter(f"{HTML}form")]
    return Facts(
        headings=[text_of(h1) for h1 in tree.iter(f"{HTML}h1")],
        title=text_of(next(tree.iter(f"{HTML}title"))),
        ids=[element.get("id") for element in tree.iter() if element.get("id")],
        forms=forms,
    )


def read(html: str) -> Facts:
    """The same, of a page that is known to be well made."""
    tags = re.findall(r"<form\b[^>]*>", html)
    return Facts(
        headings=[_plain(text) for text in re.findall(r"<h1\b[^>]*>(.*?)</h1>", html, re.DOTALL)],
        title=_plain("".join(re.findall(r"<title>(.*?)</title>", html, re.DOTALL)[:1])),
        ids=[unescape(value) for value in re.findall(r'\sid="([^"]+)"', html)],
        forms=[(_attribute(tag, "method"), _attribute(tag, "action")) for tag in tags],
    )


def check(facts: Facts) -> None:
    headings, title, ids, forms = facts
    assert len(headings) == 1, f"a page has one h1, this has {headings}"
    assert headings[0] and headings[0] in title, f"title {title!r} lacks {headings[0]!r}"
    doubles = sorted({one for one in ids if ids.count(one) > 1}) if len(set(ids)) < len(ids) else []
    assert not doubles, f"ids used twice: {doubles}"
    # A form with method "dialog" sends nothing.
    assert all(action for method, action in forms if method != "dialog"), (
        f"a form without an action: {forms}"
    )


def _plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


def _line_of(html: str) -> int:
    parser = html5lib.HTMLParser()
    parser.parse(html)
    return int(parser.errors[0][0][0]) if parser.errors else 1


def text_of(element) -> str:  # type: ignore[no-untyped-def]
    return " ".join("".join(element.itertext()).split())
