"""The dry run: what each row of a file would do, and why some would do nothing. The application asks it again."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import select

from webapp.assets.import_models import Verdict
from webapp.assets.importing import lookups, rows
from webapp.assets.importing.containers import Containers, Reading, tag_of
from webapp.assets.importing.lookups import Known, Named
from webapp.assets.importing.mapping import ATTRIBUTE, Options
from webapp.assets.importing.naming import Namer, Wrong
from webapp.assets.importing.reader import Row, as_text, shortened
from webapp.assets.importing.rows import Outcome, text_of
from webapp.assets.importing.shared import Shared
from webapp.assets.models import Asset, Status, StatusTransition
from webapp.assets.queries.custody import Holder
from webapp.assets.services import records
from webapp.core.db import db
from webapp.core.language import _, gettext

BATCH = 1_000
COMPARED = (
    "tag", "name", "type_id", "client_id", "project_id", "status", "serial", "manufacturer", "model",
    "purchased_on", "cost", "warranty_until", "notes",
)  # fmt: skip
AVAILABLE = (Status.IN_STOCK, Status.IN_USE)


class Checker:
    """Judges rows batch by batch; remembers only the tags and unique values that the file had so far."""

    def __init__(self, known: Known, options: Options, header: Sequence[str]) -> None:
        """Begin a file."""
        self.known, self.options = known, options
        self.namer = Namer(known, options)
        self.shared = Shared(options.columns, header)
        self.tags: dict[str, int] = {}
        self.targets: dict[int, int] = {}
        self.values: dict[tuple[Any, ...], int] = {}
        self.containers = Containers(options.columns)
        pairs = select(StatusTransition.from_status, StatusTransition.to_status)
        self.transitions = {tuple(row) for row in db.session.execute(pairs)}

    def outcomes(self, read: Reading) -> Iterator[list[Outcome]]:
        """Judge a file, a batch at a time; containers before what lies in them."""
        rest = self.containers.in_order(read)
        while some := list(islice(rest, BATCH)):
            yield self.check(some)

    def check(self, some: Iterable[Row]) -> list[Outcome]:
        """Judge a batch; what it needs of the database is read at once."""
        found = [self._begin(row) for row in some]
        here = [one for one in found if one.said or not one.problems]
        tags = (tag for one in here for tag in (_tag(one), tag_of(one)))
        by_tag = lookups.assets_by(Asset.tag_key, tags)
        by_serial = {}
        if self.options.match == "serial":
            by_serial = lookups.assets_by(Asset.serial, (_serial(one) for one in here))
        people = lookups.people(as_text(one.said.get("holder", "")) for one in here)
        self.containers.begin(here, by_tag)
        for one in here:
            self._judge(one, by_tag, by_serial)
            self.containers.remember(one, wrong=bool(one.problems))
        self._refuse_values_of_others([one for one in here if one.command])
        held = lookups.holders(one.existing.id for one in here if one.existing)
        for one in here:
            if not one.problems:
                self._hand_out(one, people, held)
                self._settle(one, held)
        self.containers.settle(here)
        return found

    def _begin(self, row: Row) -> Outcome:
        one = Outcome(row)
        try:
            if row.problem:
                raise Wrong("", row.problem)  # noqa: TRY301 - told like any other
            one.said = rows.said_by(row, self.shared.alone)
            one.label = _label(one)
            for name in rows.failed(one.said):
                one.refuse(name, gettext(rows.FORMULA))
        except Wrong as wrong:
            one.label = shortened(row.cells[0], 100) if row.cells else ""
            one.refuse(wrong.field, wrong.words)
        return one

    def _judge(self, one: Outcome, by_tag: dict[str, Any], by_serial: dict[str, Any]) -> None:
        """Say everything that is wrong with a row, not only what comes first."""
        before = len(one.problems)
        client = self._attempt(one, self.namer.client)
        if len(one.problems) == before:
            self._find(one, client, by_tag, by_serial)
        found = len(one.problems) == before
        kind = self._attempt(one, self.namer.type)
        if one.existing is not None:
            client = client or self.known.client_by_id.get(one.existing.client_id)
            kind = kind or self.known.type_by_id.get(one.existing.type_id)
        if client is None and found:
            one.refuse("client", _("Say which client it belongs to."))
        if kind is None and found and "type" not in one.said:
            one.refuse("type", _("Say of which type it is."))
        one.client, one.kind = client, kind
        if kind is not None:
            self.shared.settle(one, kind)
        self._build(one, client, kind)

    def _attempt(self, one: Outcome, find: Any) -> Named | None:
        try:
            found: Named | None = find(one.said)
        except Wrong as wrong:
            one.refuse(wrong.field, wrong.words)
            return None
        return found

    def _find(
        self, one: Outcome, client: Named | None, by_tag: dict[str, Any], by_serial: dict[str, Any]
    ) -> None:
        """Find the asset that the row means, and refuse what would be ambiguous or doubled."""
        tag = _tag(one)
        same_tag = by_tag.get(tag, [])
        found = by_serial.get(_serial(one), []) if self.options.match == "serial" else same_tag
        mine = [row for row in found if client is None or row.client_id == client.id]
        if len(mine) > 1:
            one.refuse(self.options.match, _("Several assets match. Say which client is meant."))
            return
        one.existing = mine[0] if mine else None
        target = one.existing.id if one.existing else None
        # Two clients may have the same tag; nobody gets one that somebody in sight has.
        gets = bool(tag) and (one.existing is None or one.existing.tag_key != tag)
        if gets and (before := self.tags.setdefault(tag, one.row.line)) != one.row.line:
            one.refuse("tag", _("Row %(line)s has the same tag.", line=before))
        elif gets and any(row.id != target for row in same_tag):
            one.refuse("tag", _("There is an asset with this tag."))
        elif one.existing is not None and one.existing.deleted_at is not None:
            one.refuse("tag", _("This is archived. Restore it first."))
        elif target and (before := self.targets.setdefault(target, one.row.line)) != one.row.line:
            one.refuse(self.options.match, _("Row %(line)s means the same asset.", line=before))

    def _build(self, one: Outcome, client: Named | None, kind: Named | None) -> None:
        data, wrong = rows.draft(one.said, self.options, one.existing)
        if client is not None:
            self._place(one, client, data, wrong)
        # What is still to be made has no id; the schema only asks that there be one.
        data |= {
            "client_id": (client.id if client else None) or 1,
            "type_id": (kind.id if kind else None) or 1,
        }
        broken = {error.field for error in wrong}
        data |= dict.fromkeys(broken & rows.MAY_BE_EMPTY)
        command, told = rows.validated(data, one.said)
        wrong += [error for error in told if error.field not in broken]
        found: dict[str, Any] = {}
        if kind is not None:
            before = one.existing.attributes if one.existing else {}
            found, told = rows.attributes(one.said, kind, self.options, before)
            wrong += told
        for error in wrong:
            one.refuse(error.field, error.words)
        if command is None or client is None or kind is None or one.problems:
            return
        one.command = command.model_copy(update={"attributes": found})
        one.unique = rows.unique_values(found, kind, client)
        self._refuse_place(one, client)

    def _place(self, one: Outcome, client: Named, data: dict[str, Any], wrong: list[Wrong]) -> None:
        try:
            project = self.namer.project(one.said, client)
            if one.existing is None or "project" in one.said:
                data["project_id"] = project
            self._put_inside(one, client, data)
        except Wrong as strange:
            wrong.append(strange)

    def _put_inside(self, one: Outcome, client: Named, data: dict[str, Any]) -> None:
        """Put it where the row says; what lies in an asset is in its project."""
        container = self.containers.find(one, client)
        if container is None:
            return
        if "project" in one.said and data["project_id"] != container.project_id:
            raise Wrong("project", records.REFUSALS["asset_apart"][0])
        data |= {"parent_id": container.id, "project_id": container.project_id}
        one.goes_into = container.tag
        if container.id is None:
            one.container = container.tag.lower()

    def _refuse_place(self, one: Outcome, client: Named) -> None:
        assert one.command is not None  # noqa: S101 # nosec B101 - for the type checker
        places = {(client, one.command.project_id)}
        if one.existing is not None:
            here = self.known.client_by_id.get(one.existing.client_id)
            places |= {(here, one.existing.project_id)} if here else set()
        one.client = client
        self._allowed(one, places)

    def _allowed(self, one: Outcome, places: set[tuple[Named, int | None]]) -> None:
        self._cells_changed(one)
        if one.existing is not None and not one.changes:
            return
        if self._would_be_apart(one):
            one.refuse("project", records.REFUSALS["asset_apart"][0])
        if not all(self.known.allows("assets.edit", where, project) for where, project in places):
            one.refuse("client", _("Your permission does not reach this place."))

    def _would_be_apart(self, one: Outcome) -> bool:
        row, command = one.existing, one.command
        if command is None or row is None or row.parent_id is None or "parent_id" in one.changes:
            return False
        home = self.containers.projects.get(row.parent_id, row.project_id)
        return "project_id" in one.changes and command.project_id != home

    def _cells_changed(self, one: Outcome) -> None:
        """Note what differs, as people read it."""
        command, row = one.command, one.existing
        if command is None or row is None:
            return
        for name in COMPARED:
            old, new = getattr(row, name), getattr(command, name)
            new = row.tag if name == "tag" and new is None else new
            if old != new:
                one.changes[name] = [self._called(name, old), self._called(name, new)]
        if row.parent_id != command.parent_id or one.container:
            one.changes["parent_id"] = [self.containers.tag_by_id(row.parent_id), one.goes_into]
        for key in {**row.attributes, **command.attributes}:
            old, new = row.attributes.get(key), command.attributes.get(key)
            if old != new:
                one.changes[ATTRIBUTE + key] = [text_of(old), text_of(new)]

    def _called(self, name: str, value: Any) -> str:
        if name in ("type_id", "client_id", "project_id") and value is not None:
            if name == "project_id":
                found = self.known.project_by_id.get(value, (0, None))[1]
            else:
                found = getattr(self.known, f"{name[:-3]}_by_id").get(value)
            return found.name if found else f"#{value}"
        return text_of(value)

    def _refuse_values_of_others(self, found: list[Outcome]) -> None:
        made = (
            key for one in found for key in one.unique if all(isinstance(k, int) for k in key[:2])
        )
        owners = lookups.owners_of_values(made)
        for one in found:
            for key in one.unique:
                line = self.values.setdefault(key, one.row.line)
                owner = owners.get(key)
                if line != one.row.line:
                    one.refuse(
                        ATTRIBUTE + key[2],
                        _("Row %(line)s has the same value, which must be unique.", line=line),
                    )
                elif owner is not None and (one.existing is None or owner != one.existing.id):
                    one.refuse(
                        ATTRIBUTE + key[2], _("Another asset of this client has the same value.")
                    )

    def _hand_out(
        self, one: Outcome, people: dict[str, list[tuple[int, str]]], held: dict[int, Holder]
    ) -> None:
        """Add who gets it; what cannot be handed out is said, and the rest of the row stands."""
        if one.command is None or one.client is None:
            return
        now = held.get(one.existing.id) if one.existing else None
        try:
            holder = self.namer.holder(one.said, people, now)
        except Wrong as wrong:
            one.warn(wrong.field, wrong.words)
            return
        if holder is None:
            return
        if now is not None and now.value == holder.value:
            self._keep_in_use(one)
        elif now is not None:
            one.warn("holder", _("Somebody has it already; it stays there."))
        elif one.command.status not in AVAILABLE:
            one.warn("holder", records.REFUSALS["not_available"][0])
        elif not self.known.allows("assets.custody", one.client, one.command.project_id):
            one.warn("holder", _("Your permission to hand out does not reach this."))
        else:
            one.holder = holder
            one.changes["holder"] = ["", holder.name]
            self._keep_in_use(one)

    def _keep_in_use(self, one: Outcome) -> None:
        """Who has something keeps it in use, whatever the file calls that."""
        assert one.command is not None  # noqa: S101 # nosec B101 - for the type checker
        if one.command.status == Status.IN_STOCK:
            one.command = one.command.model_copy(update={"status": Status.IN_USE})
            one.changes.pop("status", None)

    def _settle(self, one: Outcome, held: dict[int, Holder]) -> None:
        if one.command is None:
            return
        if one.existing is None:
            one.stored = rows.stored(one.command, self._names(one))
            one.verdict, one.changes = Verdict.NEW, {}
            return
        if "status" in one.changes:
            pair = (one.existing.status.value, one.command.status.value)
            if pair not in self.transitions:
                one.refuse("status", records.REFUSALS["status_transition"][0])
                return
            if one.existing.id in held and one.command.status != Status.IN_USE:
                one.refuse("status", records.REFUSALS["asset_handed_out"][0])
                return
        one.verdict = Verdict.CHANGED if one.changes else Verdict.SAME

    def _names(self, one: Outcome) -> dict[str, str]:
        project = one.command.project_id if one.command else None
        return {
            "type": one.kind.name if one.kind else "",
            "client": one.client.name if one.client else "",
            "project": self._called("project_id", project),
            "parent": one.goes_into,
            "holder": one.holder.name if one.holder else "",
        }


def _tag(one: Outcome) -> str:
    return as_text(one.said.get("tag", "")).lower()


def _serial(one: Outcome) -> str:
    return as_text(one.said.get("serial", ""))


def _label(one: Outcome) -> str:
    said = one.said
    name = said.get("name") or said.get("model") or said.get("serial") or ""
    return shortened(f"{as_text(said.get('tag', ''))} {as_text(name)}".strip(), 200)
