"""What every page of ours must be, checked on each one that a test opens."""

import html5lib
from flask.testing import FlaskClient
from html5lib.html5parser import ParseError
from werkzeug.test import TestResponse

HTML = "{http://www.w3.org/1999/xhtml}"


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


def is_page(response: TestResponse) -> bool:
    return (
        response.mimetype == "text/html" and response.get_data()[:15].lower() == b"<!doctype html>"
    )


def check_page(html: str) -> None:
    try:
        tree = html5lib.HTMLParser(strict=True).parse(html)
    except ParseError as error:
        line = html.splitlines()[max(0, _line_of(html) - 1)][:200]
        raise AssertionError(f"not HTML5: {error} near: {line}") from error
    headings = [text_of(h1) for h1 in tree.iter(f"{HTML}h1")]
    assert len(headings) == 1, f"a page has one h1, this has {headings}"
    title = text_of(next(tree.iter(f"{HTML}title")))
    assert headings[0] and headings[0] in title, f"title {title!r} lacks {headings[0]!r}"
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    doubles = sorted({one for one in ids if ids.count(one) > 1})
    assert not doubles, f"ids used twice: {doubles}"
    for form in tree.iter(f"{HTML}form"):
        if form.get("method") == "dialog":  # sends nothing
            continue
        assert form.get("action"), f"a form without an action: {form.attrib}"


def _line_of(html: str) -> int:
    parser = html5lib.HTMLParser()
    parser.parse(html)
    return int(parser.errors[0][0][0]) if parser.errors else 1


def text_of(element) -> str:  # type: ignore[no-untyped-def]
    return " ".join("".join(element.itertext()).split())
