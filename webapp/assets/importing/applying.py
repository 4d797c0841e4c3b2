"""Changes the register by what the dry run promised: a thousand rows at a time, in one transaction."""

import re
from collections import Counter
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Integer, cast, func, select, update

from webapp.access.identity import SignedIn
from webapp.assets.import_models import ImportRow, Verdict
from webapp.assets.importing import adding
from webapp.assets.importing.adding import FIELDS
from webapp.assets.importing.rows import Outcome
from webapp.assets.importing.values import folded
from webapp.assets.models import Asset, AssetType
from webapp.assets.queries import custody as custody_queries
from webapp.assets.schemas import CheckOut
from webapp.assets.services import custody, moving, records
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.organisation import services as organisation
from webapp.organisation.models import Client
from webapp.organisation.schemas import ClientEdit

KEPT_IN_PLACE = tuple(
    name for name in FIELDS if name not in ("client_id", "project_id", "parent_id")
)
MAX_CODES = 1_000
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{1,15}")


def make_missing(who: SignedIn, creates: dict[str, Any]) -> None:
    """Make the types and clients that the person agreed to, unless somebody has made them meanwhile.

    Raises:
        DomainError: if the person may not do that any more.
    """
    if creates.get("types"):
        if not who.can("assets.configure"):
            raise DomainError(_("Whoever started this may not do it any more."))
        there = {
            folded(name)
            for name in db.session.scalars(
                select(AssetType.name).where(AssetType.deleted_at.is_(None))
            )
        }
        for name in creates["types"]:
            if folded(name) not in there:
                db.session.add(AssetType(name=name, attributes=[]))
    if creates.get("clients"):
        if not who.can("organisation.edit"):
            raise DomainError(_("Whoever started this may not do it any more."))
        _make_clients(creates["clients"])
    db.session.flush()


def _make_clients(wanted: list[Any]) -> None:
    rows = list(db.session.execute(select(Client.name, Client.code, Client.deleted_at)))
    live = [row for row in rows if row.deleted_at is None]
    there = {folded(row.name) for row in live}
    there |= {folded(f"{row.name} {row.code}") for row in live}
    codes = {row.code for row in rows}
    for name, location_id, said in wanted:
        if folded(f"{name} {said}") not in there:
            fits = _CODE.fullmatch(said.upper()) and said.upper() not in codes
            code = said.upper() if fits else _free_code(name, codes)
            codes.add(code)
            organisation.create_client(ClientEdit(name=name, code=code, location_id=location_id))


def _free_code(name: str, taken: set[str]) -> str:
    """Make a code of a name: ABSHIRE-SONS, then ABSHIRE-SONS-2."""
    words = [word for word in folded(name).upper().split() if word not in ("AND", "THE", "Y")]
    stem = re.sub(r"[^A-Z0-9-]", "", "-".join(words))[:12].strip("-") or "CLIENT"
    stem = stem if len(stem) > 1 else f"{stem}-1"
    if stem not in taken:
        return stem
    return next(f"{stem}-{n}" for n in range(2, MAX_CODES) if f"{stem}-{n}" not in taken)


class Applier:
    """Applies batches of outcomes; refuses those that are not what the dry run promised."""

    def __init__(self, who: SignedIn, run_id: int) -> None:
        """Begin an import."""
        self.who, self.run_id = who, run_id
        self.done = 0
        self.counts: Counter[str] = Counter(added=0, updated=0, refused=0)

    def apply(self, some: list[Outcome]) -> None:
        """Change what a batch promises, and write its audit rows out."""
        fine = self._as_promised(some)
        try:
            self._write(fine)
        except DomainError:
            # Somebody got in between: find out whose row it is, and keep the rest.
            for one in fine:
                self._write_alone(one)
        self.done += len(fine)
        trail.write_out()

    def _as_promised(self, some: list[Outcome]) -> list[Outcome]:
        lines = [one.row.line for one in some]
        statement = select(ImportRow.line, ImportRow.verdict, ImportRow.changes).where(
            ImportRow.run_id == self.run_id,
            ImportRow.line.in_(lines),
            ImportRow.verdict.in_([Verdict.NEW, Verdict.CHANGED]),
        )
        promised = {row.line: row for row in db.session.execute(statement)}
        fine = []
        for one in some:
            row = promised.get(one.row.line)
            if row is None:
                continue
            if one.verdict == row.verdict and one.changes == row.changes:
                fine.append(one)
            elif _came_along(one, row.changes):
                fine += [one] if one.changes else []
            elif one.verdict == Verdict.WRONG:
                self._refuse(one, [list(problem) for problem in one.problems])
            else:
                self._refuse(
                    one, [["", str(_("Somebody changed it since the check. Check again."))]]
                )
        return fine

    def _refuse(self, one: Outcome, problems: list[Any]) -> None:
        self.counts["refused"] += 1
        row = db.session.get_one(ImportRow, (self.run_id, one.row.line))
        row.verdict, row.problems = Verdict.WRONG, problems
        row.values = row.values | {"cells": one.cells()}

    def _write_alone(self, one: Outcome) -> None:
        try:
            self._write([one])
        except DomainError as error:
            self._refuse(one, [["", str(error)]])

    def _write(self, fine: list[Outcome]) -> None:
        """Write rows in a savepoint: all of them or none."""
        if not fine:
            return
        updated: list[tuple[Outcome, Asset]] = []
        with records.saying():
            for some in adding.in_waves(fine):
                pairs = self._updated([one for one in some if one.existing is not None])
                updated += pairs
                db.session.flush()
                made, ids = adding.add([one for one in some if one.existing is None])
                self._hand_out(pairs + made)
                self._link(ids)
        self.counts["added"] += len(fine) - len(updated)
        self.counts["updated"] += len(updated)
        trail.write_out()
        for _one, asset in updated:
            db.session.expunge(asset)

    def _link(self, made: dict[int, int]) -> None:
        """Note with each row what became of it, so that it leads there."""
        if made:
            lines = (
                func.unnest(
                    cast(list(made), ARRAY(Integer)), cast(list(made.values()), ARRAY(BigInteger))
                )
                .table_valued("line", "asset_id")
                .render_derived()
            )
            linked = ImportRow.values.op("||")(
                func.jsonb_build_object("asset_id", lines.c.asset_id)
            )
            here = (ImportRow.run_id == self.run_id, ImportRow.line == lines.c.line)
            db.session.execute(
                update(ImportRow).where(*here).values({"values": linked}),
                execution_options={"synchronize_session": False},
            )

    def _updated(self, changed: list[Outcome]) -> list[tuple[Outcome, Asset]]:
        locked = {
            asset.id: asset for asset in custody_queries.lock(one.existing.id for one in changed)
        }
        found = [(one, locked[one.existing.id]) for one in changed if one.existing.id in locked]
        found = [(one, asset) for one, asset in found if asset.version == one.existing.version]
        if len(found) < len(changed):
            raise DomainError(_("Somebody changed it since the check. Check again."))
        self._move(found)
        for one, asset in found:
            command = one.command
            assert command is not None  # noqa: S101 # nosec B101 - for the type checker
            asset.tag = command.tag or asset.tag
            for name in KEPT_IN_PLACE:
                if getattr(asset, name) != getattr(command, name):
                    setattr(asset, name, getattr(command, name))
        return found

    def _move(self, found: list[tuple[Outcome, Asset]]) -> None:
        going = [
            moving.Going(
                asset=asset,
                client_id=asset.client_id,
                project_id=one.command.project_id,
                parent_id=one.command.parent_id,
            )
            for one, asset in found
            if one.command is not None and one.changes.keys() & {"project_id", "parent_id"}
        ]
        if going:
            moving.move_many(self.who, going)

    def _hand_out(self, pairs: list[tuple[Outcome, Asset]]) -> None:
        given = [(one.holder, asset) for one, asset in pairs if one.holder is not None]
        if not given:
            return
        at = custody_queries.moment([asset.id for _holder, asset in given])
        for holder, asset in given:
            command = CheckOut(holder=holder.value)
            custody.hand_over(asset, holder, command, at=at)


def _came_along(one: Outcome, promised: dict[str, Any]) -> bool:
    """Tell whether all that is left is what was promised, as its container has taken it along to its project."""
    if one.existing is None or one.verdict == Verdict.WRONG or "project_id" in one.changes:
        return False
    return one.changes == {name: pair for name, pair in promised.items() if name != "project_id"}
