"""Several columns of one attribute: types that share its key may call it differently, and a row means its own."""

from collections.abc import Sequence

from webapp.assets.importing import rows
from webapp.assets.importing.lookups import Named
from webapp.assets.importing.mapping import ATTRIBUTE, Rule
from webapp.assets.importing.naming import Wrong
from webapp.assets.importing.reader import Cell, as_text
from webapp.assets.importing.rows import Outcome
from webapp.assets.importing.values import folded, quoted
from webapp.core.language import _, gettext

Filled = list[tuple[str, Cell]]


class Shared:
    """Takes each such attribute from the column that is headed as the row's type calls it."""

    def __init__(self, columns: Sequence[str], header: Sequence[str]) -> None:
        """Find which columns go to the same attribute."""
        self.columns: dict[str, list[tuple[int, str]]] = {}
        for number, (name, title) in enumerate(zip(columns, header, strict=False)):
            if name.startswith(ATTRIBUTE) and columns.count(name) > 1:
                self.columns.setdefault(name, []).append((number, title))
        self.alone = tuple("" if name in self.columns else name for name in columns)

    def settle(self, one: Outcome, kind: Named) -> None:
        """Add to what a row says the values of these attributes; say which contradict each other."""
        rules = {rule["key"]: rule for rule in kind.rules}
        for name, places in self.columns.items():
            cells = one.row.cells
            filled = [(title, cells[n]) for n, title in places if n < len(cells) and cells[n] != ""]
            if not filled:
                continue
            rule = rules.get(name.removeprefix(ATTRIBUTE))
            try:
                one.said[name] = _picked(name, filled, [title for _n, title in places], rule)
            except Wrong as wrong:
                one.refuse(wrong.field, wrong.words)
                continue
            if rows.failed({name: one.said[name]}):
                one.refuse(name, gettext(rows.FORMULA))


def _picked(name: str, filled: Filled, titles: list[str], found: dict[str, str] | None) -> Cell:
    if found is not None:
        rule = Rule(key=found["key"], label=found["label"], unit=found.get("unit") or "")
        own = [word for word in map(folded, rule.names) if word]
        mine = [[pair for pair in filled if folded(pair[0]) == word] for word in own]
        fitting = next((pairs for pairs in mine if pairs), [])
        if not fitting and any(folded(title) in own for title in titles):
            title, value = filled[0][0], quoted(filled[0][1])
            raise Wrong(
                name,
                _(
                    "“%(value)s” stands in the column “%(title)s”, but for this type it is “%(own)s”.",
                    value=value,
                    title=title,
                    own=rule.title,
                ),
            )
        filled = fitting or filled
    said = list(dict.fromkeys(as_text(cell) for _title, cell in filled))
    if len(said) > 1:
        told = ", ".join(f"“{quoted(text)}”" for text in said)
        raise Wrong(name, _("Its columns say different things: %(values)s.", values=told))
    return filled[0][1]
