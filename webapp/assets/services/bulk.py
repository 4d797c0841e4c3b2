"""Changing many assets at once: tried first, then done as one transaction, and undone by its request."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from webapp.access.identity import SignedIn
from webapp.assets.bulk_schemas import BulkChange
from webapp.assets.models import Asset, Status
from webapp.assets.queries import bulk as queries
from webapp.assets.services import moving, records
from webapp.audit.many import undoing
from webapp.core import trail
from webapp.core.bulk import REPEATING, UNDOING, Changed, Outcome, Told, Verdict, seal_versions
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _, listed
from webapp.organisation.tree import Place

MOST = 20_000  # assets that one change takes
AT_ONCE = 2_000  # more are not changed while somebody waits
LOT = 500  # that are written between two words about progress
ALONE = 3  # fewer are moved one by one
EDIT = "assets.edit"
Mode = Literal["look", "try", "do"]  # only the rules; moves as well, to be rolled back; all of it
DAYS = frozenset({"warranty_until", "purchased_on"})
FIELDS = ("status", "warranty_until", "purchased_on", "manufacturer", "model")
HERE = ("client_id", "project_id", "parent_id")
TITLES = {
    "status": _("Status"),
    "client_id": _("Client"),
    "project_id": _("Project"),
    "parent_id": _("Lies inside"),
    "warranty_until": _("Warranty until"),
    "purchased_on": _("Purchased on"),
    "manufacturer": _("Manufacturer"),
    "model": _("Model"),
}


@dataclass(kw_only=True, slots=True)
class _Task:
    """An asset, what it shall have, and why not."""

    asset: Asset
    wanted: dict[str, Any]
    why: str | None = None
    back: bool = False  # to what it was; the database allows that whatever the status is
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def look(self) -> None:
        """Note what is different from how it shall be."""
        now = {name: getattr(self.asset, name) for name in self.wanted}
        self.changes = {
            name: (now[name], value) for name, value in self.wanted.items() if now[name] != value
        }

    @property
    def moves(self) -> bool:
        """True if it goes elsewhere."""
        return any(name in self.changes for name in HERE)

    @property
    def there(self) -> dict[str, Any]:
        """Where it shall lie."""
        return {name: self.wanted.get(name, getattr(self.asset, name)) for name in HERE}


def preview(actor: SignedIn, command: BulkChange) -> Outcome:
    """Say what the change would do: moves are tried for real, unless they are very many, then rolled back.

    Raises:
        DomainError: if the place does not exist or is out of reach, or this is too much at once.
    """
    with db.session.begin_nested() as trial:
        outcome = _change(actor, command, mode="try")
        trial.rollback()
    return outcome


def apply(actor: SignedIn, command: BulkChange, *, told: Told | None = None) -> Outcome:
    """Change what may be changed, as one transaction.

    Raises:
        Changed: if the assets are not what the preview showed.
        DomainError: as ``preview`` does.
    """
    trail.because(command.reason)
    outcome = _change(actor, command, mode="do", told=told)
    if outcome.changed:
        trail.note(queries.CHANGED, changes={"assets": len(outcome.changed)})
    return outcome


def count(actor: SignedIn, command: BulkChange) -> int:
    """Return how many assets the change is about.

    Raises:
        Changed: if they are not what the preview showed.
    """
    ids, _more = chosen(actor, command.ids, command.matching)
    if len(ids) > AT_ONCE and seal_versions(queries.versions_of(ids)) != command.seen:
        raise Changed
    return len(ids)


def preview_undo(actor: SignedIn, request_id: str) -> Outcome:
    """Say what undoing a request would do; whether a move back is possible shows when it is made."""
    return _undo(actor, request_id, mode="look")


def undo(actor: SignedIn, request_id: str, *, told: Told | None = None) -> Outcome:
    """Set back what the actor's request changed, where it still is as the request left it."""
    again = queries.reason_of(request_id, actor.id) == UNDOING
    trail.because(REPEATING if again else UNDOING)
    outcome = replace(_undo(actor, request_id, mode="do", told=told), again=again)
    if outcome.changed:
        noted = {"assets": len(outcome.changed), "request": request_id}
        trail.note(queries.UNDONE, changes=noted)
    return outcome


def _change(
    actor: SignedIn, command: BulkChange, *, mode: Mode, told: Told | None = None
) -> Outcome:
    ids, more = chosen(actor, command.ids, command.matching)
    mode = "look" if mode == "try" and len(ids) > AT_ONCE else mode
    target = _target(actor, command.place) if command.place else None
    if target is not None and mode != "look":  # as every move: first these locks, then the rows
        moving.wait_for_moves([*queries.clients_of(ids), target[0]])
    lock = mode == "do" or (mode == "try" and target is not None)
    assets = queries.get_assets(ids, lock=lock)
    seal = seal_versions(assets)
    if mode == "do" and command.seen != seal:
        raise Changed
    wanted = _wanted(command)
    those = {asset.id for asset in assets}
    tasks = [_Task(asset=asset, wanted=wanted | _there(asset, target, those)) for asset in assets]
    verdicts = _carry_out(actor, tasks, mode=mode, told=told)
    return Outcome(verdicts=verdicts, seal=seal, more=more, aside=len(verdicts) > AT_ONCE)


def chosen(actor: SignedIn, ids: Sequence[int], matching: str | None) -> tuple[Sequence[int], bool]:
    """Return the assets of a selection or, where given, of a filter; and whether more match than one change takes."""
    if matching is None:
        return ids, False
    found = queries.matching_ids(matching, actor, limit=MOST + 1)
    return found[:MOST], len(found) > MOST


def _wanted(command: BulkChange) -> dict[str, Any]:
    wanted = {name: getattr(command, name) for name in FIELDS}
    typed = {name: value for name, value in wanted.items() if value is not None}
    return typed | {name: None if name in DAYS else "" for name in command.clear}


def _target(actor: SignedIn, place: str) -> tuple[int, int | None]:
    """Return the client and project that the assets go to."""
    kind, _colon, number = place.partition(":")
    found = queries.find_home(kind, int(number))
    if found is None:
        raise DomainError(_("Choose one of the list."), field="place")
    if not actor.can(EDIT, on=found):
        raise DomainError(_("Your permission does not reach this place."), field="place")
    assert found.client_id is not None  # noqa: S101 # nosec B101 - for the type checker
    return found.client_id, found.project_id


def _there(asset: Asset, target: tuple[int, int | None] | None, chosen: set[int]) -> dict[str, Any]:
    """Where an asset shall lie. What lies in another one that goes there, too, stays in it; else it is taken out."""
    if target is None or (asset.client_id, asset.project_id) == target:
        return {}
    parent = asset.parent_id if asset.parent_id in chosen else None
    return dict(zip(HERE, (*target, parent), strict=True))


def _carry_out(
    actor: SignedIn, tasks: list[_Task], *, mode: Mode, told: Told | None = None
) -> list[Verdict]:
    labels = {task.asset.id: (task.asset.tag, task.asset.name) for task in tasks}
    for task in tasks:
        task.look()
    _check(actor, tasks)
    elsewhere = [task for task in tasks if task.moves and not task.why]
    _refuse_taken_tags(elsewhere)
    if mode != "look":
        parents = {task.asset.id: task.there["parent_id"] for task in elsewhere}
        _move(
            actor,
            sorted(
                (task for task in elsewhere if not task.why),
                key=lambda task: _depth(task.asset.id, parents),
            ),
        )
    if mode == "do":
        _set(tasks, told or (lambda _done, _total: None))
    verdicts = [
        Verdict(
            id=key, label=labels[key][0], name=labels[key][1], changes=task.changes, why=task.why
        )
        for task, key in zip(tasks, labels, strict=True)
    ]
    return sorted(verdicts, key=lambda one: (one.label, one.id))


def _check(actor: SignedIn, tasks: Sequence[_Task]) -> None:
    """Note why assets may not change, by the rules that the services and the database hold them to."""
    ids = [task.asset.id for task in tasks]
    homes = queries.locations_of({task.asset.client_id for task in tasks})
    states = any("status" in task.changes for task in tasks)
    held = queries.handed_out(ids) if states else set()
    allowed = queries.transitions() if states else set()
    for task in tasks:
        if task.why is None and task.changes:
            task.why = _why_not(actor, task, homes) or _why_not_state(task, held, allowed)


def _why_not(actor: SignedIn, task: _Task, homes: dict[int, int]) -> str | None:
    asset = task.asset
    place = Place(
        location_id=homes.get(asset.client_id),
        client_id=asset.client_id,
        project_id=asset.project_id,
    )
    if not actor.can(EDIT, on=place):
        return _("Your permission does not reach this asset.")
    if asset.deleted_at is not None:
        return _("This is archived. Restore it first.")
    return None


def _why_not_state(task: _Task, held: set[int], allowed: set[tuple[str, str]]) -> str | None:
    if "status" not in task.changes:
        return None
    before, after = task.changes["status"]
    if not task.back and (str(before), str(after)) not in allowed:
        return _("An asset with this status cannot get that one.")
    if task.asset.id in held:
        return _("Somebody has it, so it is in use. Take it back first.")
    return None


def _depth(key: int, parents: dict[int, int | None]) -> int:
    """How many of those that move contain it: the outermost goes first."""
    depth, up = 0, parents.get(key)
    while up in parents and depth < len(parents):
        depth, up = depth + 1, parents[up]
    return depth


def _refuse_taken_tags(tasks: Sequence[_Task]) -> None:
    """Note which tags the new client has already: the one reason by which many may be refused."""
    going: dict[int, list[_Task]] = {}
    for task in tasks:
        if "client_id" in task.changes:
            going.setdefault(task.there["client_id"], []).append(task)
    for client_id, mine in going.items():
        taken = queries.tags_of(client_id, [task.asset.tag_key for task in mine])
        for task in mine:
            if taken.get(task.asset.tag_key, task.asset.id) != task.asset.id:
                task.why = records.REFUSALS["uq_assets_client_tag"][0]


def _move(actor: SignedIn, tasks: Sequence[_Task]) -> None:
    """Move them at once; if one of them cannot go, each half by itself, the outermost first."""
    if len(tasks) < ALONE:
        for task in tasks:
            _move_one(actor, task)
        return
    ids = [task.asset.id for task in tasks]
    try:
        moving.move_many(actor, [moving.Going(asset=task.asset, **task.there) for task in tasks])
    except DomainError:
        queries.get_assets(
            ids, lock=True
        )  # read again at once, since what was rolled back is forgotten
        half = len(tasks) // 2
        _move(actor, tasks[:half])
        _move(actor, tasks[half:])


def _move_one(actor: SignedIn, task: _Task) -> None:
    if all(getattr(task.asset, name) == value for name, value in task.there.items()):
        return  # it came along
    try:
        moving.move(actor, task.asset, **task.there)
    except DomainError as error:
        task.why = error.message


def _set(tasks: Iterable[_Task], told: Told) -> None:
    fine = [task for task in tasks if task.why is None and task.changes]
    for start in range(0, len(fine), LOT):
        with records.saying():
            for task in fine[start : start + LOT]:
                for name in task.changes.keys() - set(HERE):
                    setattr(task.asset, name, task.changes[name][1])
        told(min(start + LOT, len(fine)), len(fine))


def _undo(actor: SignedIn, request_id: str, *, mode: Mode, told: Told | None = None) -> Outcome:
    done = queries.changes_of(request_id, actor.id, limit=2 * moving.MAX_MOVED)
    states = [key for key, fields in done.items() if "status" in fields]
    homes = [fields["client_id"][0] for fields in done.values() if "client_id" in fields]
    if mode == "do" and homes:  # as in _change: first these locks, then the rows
        moving.wait_for_moves([*queries.clients_of(list(done)), *homes])
    assets = queries.get_assets(done, lock=mode == "do")
    later = queries.states_since(request_id, states) if states else set()
    tasks = [_back(asset, done[asset.id], later=asset.id in later) for asset in assets]
    if mode == "do":
        undoing(request_id)
    return Outcome(verdicts=_carry_out(actor, tasks, mode=mode, told=told))


def _back(asset: Asset, done: dict[str, tuple[Any, Any]], *, later: bool) -> _Task:
    known = {name: pair for name, pair in done.items() if name in (*FIELDS, *HERE)}
    since = [
        name
        for name, (_old, new) in known.items()
        if getattr(asset, name) != _read(name, new) or (later and name == "status")
    ]
    wanted = {name: _read(name, old) for name, (old, _new) in known.items()}
    task = _Task(asset=asset, wanted=wanted, back=True)
    if since:
        fields = listed(TITLES[name] for name in since)
        task.why = _("It changed since then: %(fields)s.", fields=fields)
    elif len(known) < len(done):
        task.why = _("This cannot be undone here: more than a bulk change did.")
    return task


def _read(name: str, stored: Any) -> Any:
    """Return a value of the log as the asset has it."""
    if stored is None:
        return None
    if name == "status":
        return Status(stored)
    return date.fromisoformat(stored) if name in DAYS else stored
