"""What lies in what: rows name their containers by tag, and a container may stand in the same file, above or below."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from webapp.assets.import_models import Verdict
from webapp.assets.importing import lookups
from webapp.assets.importing.lookups import Named
from webapp.assets.importing.naming import Wrong
from webapp.assets.importing.reader import Row, as_text
from webapp.assets.importing.rows import Outcome
from webapp.assets.services import records
from webapp.core.language import _

Reading = Callable[[], Iterator[Row]]


@dataclass(slots=True)
class _Judged:
    """What became of a row that others may lie in."""

    line: int
    tag: str
    client: int | str
    project_id: int | None
    wrong: bool


@dataclass(frozen=True, slots=True)
class Container:
    """What an asset goes into; without an id it is a row of this file that is still to be added."""

    id: int | None
    tag: str
    project_id: int | None


@dataclass(slots=True)
class Containers:
    """Finds the container of each row; keeps a few words about every row that has a tag."""

    columns: Sequence[str]
    inside: dict[str, str] = field(default_factory=dict)  # tag -> tag, as the file says
    judged: dict[str, _Judged] = field(default_factory=dict)
    projects: dict[int, int | None] = field(default_factory=dict)  # of assets that the file moves
    _here: dict[str, list[Any]] = field(default_factory=dict)
    _above: dict[tuple[int, str], str] = field(default_factory=dict)
    _tags: dict[int, str] = field(default_factory=dict)

    @property
    def asked(self) -> bool:
        """Whether the file says anything of this."""
        return "parent" in self.columns

    def in_order(self, read: Reading) -> Iterator[Row]:
        """Yield the rows of a file, and those that others lie in before these."""
        if not self.asked or "tag" not in self.columns:
            yield from read()
            return
        first = dict.fromkeys(self._late(read()))
        if first:
            found: dict[str, Row] = {}
            for row in read():
                if (tag := self._of(row)[0]) in first:
                    found.setdefault(tag, row)
            yield from (found[tag] for tag in first)
            lines = {row.line for row in found.values()}
            yield from (row for row in read() if row.line not in lines)
        else:
            yield from read()

    def _late(self, rows: Iterable[Row]) -> list[str]:
        """Find the containers that stand below what lies in them, the outer ones first."""
        seen: set[str] = set()
        late: dict[str, None] = {}
        for row in rows:
            tag, container = self._of(row)
            if tag and container:
                self.inside.setdefault(tag, container)
            if container and container not in seen:
                late[container] = None
            seen.add(tag)
        order: dict[str, None] = {}
        for tag in late:
            path: dict[str, None] = {}
            while tag and tag in seen and tag not in order and tag not in path:
                path[tag] = None
                tag = self.inside.get(tag, "")  # noqa: PLW2901 - walks up
            order |= dict.fromkeys(reversed(path))
        return list(order)

    def _of(self, row: Row) -> tuple[str, str]:
        cells = dict(zip(self.columns, row.cells, strict=False))
        return as_text(cells.get("tag", "")).lower(), as_text(cells.get("parent", "")).lower()

    def begin(self, here: Sequence[Outcome], by_tag: dict[str, list[Any]]) -> None:
        """Look up at once what a batch needs; ``by_tag`` has the containers, too."""
        self._here = by_tag
        if self.asked:
            named = [row for one in here for row in by_tag.get(tag_of(one), ())]
            self._above = lookups.above(row.id for row in named)
            within = {r.parent_id for rows in by_tag.values() for r in rows if r.parent_id}
            self._tags = lookups.tags(within)

    def find(self, one: Outcome, client: Named) -> Container | None:
        """Return what a row goes into; None if it says nothing of that.

        Raises:
            Wrong: if there is no such asset of the client, or the row would lie in itself.
        """
        tag = tag_of(one)
        if not tag:
            return None
        own = as_text(one.said.get("tag", "")).lower()
        own = own or (one.existing.tag_key if one.existing else "")
        if own and self._circle(own, tag, client):
            raise Wrong("parent", records.REFUSALS["asset_cycle"][0])
        found = [row for row in self._here.get(tag, ()) if row.client_id == client.id]
        if found and found[0].deleted_at is None:
            row = found[0]
            return Container(row.id, row.tag, self.projects.get(row.id, row.project_id))
        before = self.judged.get(tag)
        if before is not None and before.wrong and not found:
            raise Wrong("parent", _wrong(before))
        if found or before is None or before.client != client.key:
            raise Wrong("parent", _("This client has no such asset, or none that you see."))
        return Container(None, before.tag, before.project_id)

    def _circle(self, own: str, tag: str, client: Named) -> bool:
        passed = set()
        while tag and tag not in passed:
            if tag == own:
                return True
            passed.add(tag)
            tag = self.inside.get(tag) or self._above.get((client.id or 0, tag), "")
        return False

    def tag_by_id(self, key: int | None) -> str:
        """Return the tag of what an asset of this batch lies in."""
        return self._tags.get(key or 0, "")

    def remember(self, one: Outcome, *, wrong: bool) -> None:
        """Keep what others that lie in this row need to know."""
        if not self.asked:
            return
        project_id = one.command.project_id if one.command else None
        if one.existing is not None and "project_id" in one.changes:
            self.projects[one.existing.id] = project_id
        if tag := as_text(one.said.get("tag", "")):
            client = one.client.key if one.client else ""
            about = _Judged(one.row.line, tag, client, project_id, wrong)
            if self.judged.setdefault(tag.lower(), about).line == about.line:
                self.judged[tag.lower()] = about

    def settle(self, here: Sequence[Outcome]) -> None:
        """Refuse what would lie in a row that turned out to be wrong; containers come first."""
        for one in here:
            if one.container and (before := self.judged[one.container]).wrong:
                one.refuse("parent", _wrong(before))
            self.remember(one, wrong=one.verdict == Verdict.WRONG)


def _wrong(before: _Judged) -> str:
    return _("It lies in row %(line)s, which is wrong.", line=before.line)


def tag_of(one: Outcome) -> str:
    """Return the tag of what a row lies in, as it is compared."""
    return as_text(one.said.get("parent", "")).lower()
