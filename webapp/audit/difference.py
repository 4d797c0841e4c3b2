"""What a row of the log changed, field by field: values in words, texts line by line, lists by what came and went."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from webapp.audit.changing import Part, list_difference, parts_of
from webapp.audit.fields import points_at
from webapp.audit.wording import COVER, NOTHING, Event, name_of, name_since, pair, worded

MAX_LINES = 400  # of a text; more are shown without looking for what they share
_WORD = re.compile(r"\s+|\w+|[^\w\s]")
CONTEXT = 2  # lines around a change
Link = Callable[[str, int], str | None]  # kind and number: where it is shown


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A part of a line; ``changed`` is what the other side has not."""

    text: str
    changed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Lines:
    """A line before and after; None where there is none. ``same`` counts lines left out that did not change."""

    old: tuple[Piece, ...] | None = None
    new: tuple[Piece, ...] | None = None
    same: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One value in words, and where the record that it points at is shown."""

    text: str
    url: str | None = None
    number: int | None = None
    now: str | None = None  # what that is called today, if it had another name then

    @property
    def empty(self) -> bool:
        """True if there was nothing."""
        return self.text == NOTHING


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One field before and after; ``came`` and ``went`` of a list, ``lines`` of a text."""

    title: str
    old: Value
    new: Value
    came: tuple[str, ...] = ()
    went: tuple[str, ...] = ()
    lines: tuple[Lines, ...] = ()

    @property
    def hidden(self) -> bool:
        """True if neither value may be known."""
        return self.old.text == self.new.text == COVER


def differences_of(event: Event, *, link: Link = lambda _kind, _id: None) -> list[Difference]:
    """Return the changed fields of a row with names; what only repeats the name beside a number is left out."""
    return [
        _difference(event, part, link)
        for part in parts_of(event.changes)
        if not _repeats(event, part.field)
    ]


def _repeats(event: Event, field: str) -> bool:
    """Tell whether a note is the name of what the number beside it points at."""
    ids = pair(event.changes.get(f"{field}_id"))
    known = getattr(event, "names", {})
    kind = points_at(f"{field}_id", event.object_type)
    return any((kind, value) in known for value in ids)


def _difference(event: Event, part: Part, link: Link) -> Difference:
    old, new = (_value(event, part.field, one, link) for one in part.ends)
    if part.lists and all(part.ends):
        came, went = list_difference(*part.ends)
        words = [tuple(worded(event, part.field, [one]) for one in some) for some in (came, went)]
        return Difference(title=part.title, old=old, new=new, came=words[0], went=words[1])
    texts = [_text(one) for one in part.ends]
    compare = part.long or any(isinstance(one, list) for one in part.ends)
    if compare and not part.lists and all(texts):
        lines = tuple(_folded(compared(str(texts[0]), str(texts[1]))))
        return Difference(title=part.title, old=old, new=new, lines=lines)
    return Difference(title=part.title, old=old, new=new)


def _value(event: Event, field: str, value: Any, link: Link) -> Value:
    kind = points_at(field, event.object_type)
    if kind and type(value) is int:
        named = name_of(event, field, value)
        since = name_since(event, kind, value)
        return Value(text=named, url=link(kind, value), number=value, now=since)
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return Value(text=_text(value) or NOTHING)
    return Value(text=worded(event, field, value))


def _text(value: Any) -> str | None:
    """A value as lines of text: a list of rules has one for each."""
    if isinstance(value, list):
        return "\n".join(_rule(one) for one in value)
    return value if isinstance(value, str) else None


def _rule(one: Any) -> str:
    if not isinstance(one, Mapping):
        return str(one)
    told = (f"{key}: {_plain(value)}" for key, value in one.items() if value not in (None, [], ""))
    return " · ".join(told)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def compared(old: str, new: str) -> list[Lines]:
    """Lay two texts side by side, line by line, with the words marked that differ."""
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > MAX_LINES:
        return list(_paired(before, after))
    rows: list[Lines] = []
    for verb, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if verb == "equal":
            plain = ((Piece(text=line, changed=False),) for line in before[i1:i2])
            rows += [Lines(old=line, new=line) for line in plain]
        else:
            rows += _paired(before[i1:i2], after[j1:j2])
    return rows


def _paired(before: list[str], after: list[str]) -> Iterator[Lines]:
    """Set changed lines beside each other; what one side has more stands alone."""
    for number in range(max(len(before), len(after))):
        if number >= len(before):
            yield Lines(new=(Piece(text=after[number], changed=True),))
        elif number >= len(after):
            yield Lines(old=(Piece(text=before[number], changed=True),))
        else:
            old, new = _words(before[number], after[number])
            yield Lines(old=old, new=new)


def _words(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Mark the words in which two lines differ; lines with little in common are marked whole."""
    before, after = _split(old), _split(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < 0.4:  # noqa: PLR2004 - below it, marks on every other word help nobody
        return (Piece(text=old, changed=True),), (Piece(text=new, changed=True),)
    codes = matcher.get_opcodes()
    return (
        _pieces(((verb, before[i1:i2]) for verb, i1, i2, _j1, _j2 in codes)),
        _pieces(((verb, after[j1:j2]) for verb, _i1, _i2, j1, j2 in codes)),
    )


def _split(line: str) -> list[str]:
    """Words and the spaces between them, so that joining them gives the line."""
    return _WORD.findall(line)


def _pieces(parts: Iterable[tuple[str, list[str]]]) -> tuple[Piece, ...]:
    return tuple(
        Piece(text="".join(words), changed=verb != "equal") for verb, words in parts if words
    )


def _folded(rows: list[Lines]) -> Iterator[Lines]:
    """Leave out what did not change, but for some lines around what did."""
    changed = [number for number, row in enumerate(rows) if row.old != row.new]
    kept = {near for one in changed for near in range(one - CONTEXT, one + CONTEXT + 1)}
    left = 0
    for number, row in enumerate(rows):
        if number in kept:
            if left:
                yield Lines(same=left)
            left = 0
            yield row
        else:
            left += 1
    if left:
        yield Lines(same=left)
