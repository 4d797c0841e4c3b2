"""What people type becomes HTML: markdown without HTML of its own, then an allow list of tags."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlsplit

import nh3
from flask_babel import get_locale
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup, escape

from webapp.core.language import gettext

SCHEMES = frozenset({"http", "https", "mailto"})
PERSON, FILE = "user:", "attachment:"
LONG_QUOTE = 3  # lines; longer ones are folded
CACHED = 10_000  # characters; what is longer is drawn anew
ATTRIBUTES: dict[str, set[str]] = {
    "a": {"href", "title", "rel", "target"},
    "img": {"src", "alt", "loading"},
    "ol": {"start"},
}
CLASSES = {"details": {"quoted"}, "span": {"mention"}, "a": {"mention"}, "img": {"shot"}}
TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "img", "span"),
    *("details", "summary"),
}
_NUMBER = re.compile(r"[1-9]\d{0,17}", re.ASCII)
# Looking for addresses takes the square of how many may begin: nobody writes so many.
_STARTS, MOST_STARTS = re.compile(r"://|@|//"), 300
_HEADINGS = {"h1": "h4", "h2": "h5"}  # the page and its messages have the others


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """Where mentions and pictures lead: the address of a person without the id, files by their id."""

    person: str | None = None
    files: tuple[tuple[int, str], ...] = ()


def render(text: str, links: Links | None = None) -> Markup:
    """Turn markdown into HTML that is safe on any page."""
    given = (text, links or Links(), str(get_locale() or "en"))
    return _drawn(*given) if len(text) <= CACHED else _draw(*given)


@lru_cache(maxsize=2048)
def _drawn(text: str, links: Links, locale: str) -> Markup:
    return _draw(text, links, locale)


def _draw(text: str, links: Links, _locale: str) -> Markup:
    many = sum(1 for _ in _STARTS.finditer(text)) > MOST_STARTS
    html = (_plain if many else _parser).render(text, {"links": links})
    safe = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        url_schemes=set(SCHEMES),
        set_tag_attribute_values={"pre": {"tabindex": "0"}},  # long lines are scrolled by key, too
        link_rel=None,
    )
    return Markup(safe)  # noqa: S704 # nosec B704 - what nh3 left


def plain_quote(text: str) -> str:
    """Return a text as a quote of it, to be answered below."""
    return "".join(f"> {line}".rstrip() + "\n" for line in text.splitlines())


def _is_local(url: str) -> bool:
    return url.startswith("/") and not url.startswith(("//", "/\\")) and "\\" not in url


def is_fine(url: str) -> bool:
    """Tell whether a link may lead there: web, mail, a page of ours, a person or a file of ours."""
    if url.startswith((PERSON, FILE)):
        return _NUMBER.fullmatch(url.partition(":")[2]) is not None
    if _is_local(url):
        return True
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(parts.netloc or parts.path)


def _id_in(url: Any) -> int:
    number = str(url).partition(":")[2]
    return int(number) if _NUMBER.fullmatch(number) else 0


def _lead(state: StateCore) -> None:
    """Say of each link where it leads, and how; one that leads nowhere is text."""
    for token in state.tokens:
        opened: Token | None = None
        for child in token.children or []:
            if child.type == "link_open":
                opened = child
                _point(child, state.env["links"])
            elif child.type == "link_close" and opened is not None:
                child.tag = opened.tag


def _point(link: Token, links: Links) -> None:
    url = str(link.attrs.get("href", ""))
    if url.startswith(PERSON):
        _set_address(link, f"{links.person}{_id_in(url)}" if links.person else None)
        link.attrs["class"] = "mention"
    elif url.startswith(FILE):
        _set_address(link, dict(links.files).get(_id_in(url)))
    elif not _is_local(url):
        link.attrs |= {"rel": "noopener nofollow", "target": "_blank"}


def _set_address(link: Token, url: str | None) -> None:
    link.attrs = {} if url is None else {"href": url}
    link.tag = "a" if url else "span"


def _image(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Show a picture that is a file of the ticket; any other becomes a link, so that nobody is told who looks."""
    token = tokens[index]
    url = str(token.attrs.get("src", ""))
    said = escape(self.renderInlineAsText(token.children or [], options, env))
    if url.startswith(FILE):
        address = dict(cast("Links", env["links"]).files).get(_id_in(url))
        if address is None:
            return str(said)
        return f'<img class="shot" src="{escape(address)}" alt="{said}" loading="lazy">'
    if url.startswith(PERSON):
        return str(said)
    return (
        f'<a href="{escape(url)}" rel="noopener nofollow" target="_blank">{said or escape(url)}</a>'
    )


def _quote(kind: str, fallback: str) -> Callable[..., str]:
    def draw(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        if not tokens[index].meta.get("folded"):
            return fallback
        if kind == "close":
            return "</blockquote></details>\n"
        return (
            f'<details class="quoted"><summary>{escape(gettext("Quoted text"))}</summary>'
            "<blockquote>\n"
        )

    return draw


def _fold(state: StateCore) -> None:
    """Mark long quotes that stand beside something else, and lower headings."""
    top = [token for token in state.tokens if token.level == 0]
    opened = [token for token in top if token.type == "blockquote_open"]
    beside = any(not token.type.startswith("blockquote") for token in top)
    for token in state.tokens:
        if token.type.startswith("heading"):
            token.tag = _HEADINGS.get(token.tag, "h6")
    if not beside:
        return
    closed = [token for token in top if token.type == "blockquote_close"]
    for first, last in zip(opened, closed, strict=True):
        start, end = first.map or [0, 0]
        if end - start > LONG_QUOTE:
            first.meta["folded"] = last.meta["folded"] = True


def _make_parser(*, linkify: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": linkify, "breaks": True})
    parser.enable(["table", "strikethrough", *(["linkify"] if linkify else [])])
    if parser.linkify is not None:
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": True})
    parser.validateLink = is_fine  # type: ignore[method-assign]
    parser.core.ruler.push("lead", _lead)
    parser.core.ruler.push("fold", _fold)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("blockquote_open", _quote("open", "<blockquote>\n"))
    parser.add_render_rule("blockquote_close", _quote("close", "</blockquote>\n"))
    return parser


_parser, _plain = _make_parser(linkify=True), _make_parser(linkify=False)
