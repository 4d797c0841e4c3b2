"""Handing assets to people and places, and taking them back. One has an asset at a time: the database decides."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from webapp.access.identity import SignedIn
from webapp.assets.models import Asset, Custody, Status
from webapp.assets.queries import custody as queries
from webapp.assets.queries.custody import Holder
from webapp.assets.schemas import CheckIn, CheckOut
from webapp.assets.services import records
from webapp.assets.words import OUT_OF_SIGHT
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.organisation.tree import Place, Reach, reach_of

PERMISSION = "assets.custody"
MOST = 500
AVAILABLE = (Status.IN_STOCK, Status.IN_USE)
ARCHIVED = _("This is archived. Restore it first.")
NOBODY = _("Nobody has this asset.")


def check_out(actor: SignedIn | None, asset: Asset, command: CheckOut) -> Custody:
    """Hand an asset to a person or a place.

    Raises:
        Denied: if the actor may not hand out this asset.
        DomainError: if somebody has it, it is not there to be handed out, or the holder or the day cannot be.
    """
    records.require_on(actor, PERMISSION, asset)
    holder = _receiver(actor, command)
    asset = _locked(asset)
    found = queries.present([asset.id], seen=_seen(actor))
    if problem := why_not_out(asset, name_of(found.get(asset.id))):
        raise DomainError(problem)
    with records.saying(together=False):
        return hand_over(asset, holder, command, at=queries.moment([asset.id]))


def check_in(actor: SignedIn | None, asset: Asset, command: CheckIn) -> Custody:
    """Take an asset back, into stock, to repair, or out of service.

    Raises:
        Denied: if the actor may not take it back.
        DomainError: if nobody has it.
    """
    records.require_on(actor, PERMISSION, asset)
    asset, custody, name = _held(asset)
    with records.saying(together=False):
        take_back(asset, custody, name, command, at=queries.moment([asset.id]))
    return custody


def transfer(actor: SignedIn | None, asset: Asset, command: CheckOut) -> Custody:
    """Pass an asset from who has it to somebody or some place else; it is never without a holder.

    Raises:
        Denied: if the actor may not hand out this asset.
        DomainError: if nobody has it, or they have it already, or the new holder or the day cannot be.
    """
    records.require_on(actor, PERMISSION, asset)
    holder = _receiver(actor, command)
    asset, before, name = _held(asset)
    if asset.deleted_at is not None:
        raise DomainError(ARCHIVED)
    if holder.value == _value(before):
        raise DomainError(_("%(name)s has it already.", name=name), field="holder")
    with records.saying(together=False):
        at = queries.moment([asset.id])
        before.returned_at = at
        trail.tell(before, "custody.followed", object_label=asset.audit_label)
        # Closed in the database before the next one opens: both at once would be two holders.
        db.session.flush()
        return hand_over(asset, holder, command, at=at, before=name)


def extend(actor: SignedIn | None, asset: Asset, due_on: date | None) -> Custody:
    """Let who has an asset keep it until another day, or without end.

    Raises:
        Denied: if the actor may not hand out this asset.
        DomainError: if nobody has it, or the day is over.
    """
    records.require_on(actor, PERMISSION, asset)
    _check_due(actor, due_on)
    asset, custody, name = _held(asset)
    if custody.due_on == due_on:
        raise DomainError(_("It is due on that day already."), field="due_on")
    with records.saying(together=False):
        custody.due_on = due_on
        trail.tell(custody, "asset.extended", **_about(asset), changes={"holder": name})
    return custody


# --- many at once ---------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What can be done with a tag that was scanned: nothing, if there is a ``problem``."""

    tag: str
    asset: Any | None = None
    holder: str | None = None
    problem: str | None = None


class SomeRefused(DomainError):
    """Some of what was scanned cannot be handed out or taken back, and nobody has agreed to leave it out."""

    def __init__(self, looks: Sequence[Look]) -> None:
        """Keep what was seen of each."""
        super().__init__(
            _("Not all of these can go. Look at what is refused, then confirm the rest.")
        )
        self.looks = looks


def tags_in(text: str) -> list[str]:
    """Read tags that were scanned, typed or pasted; the address in a QR code stands for its asset.

    Raises:
        DomainError: if there are too many.
    """
    tags = {_tag_of(word).lower(): _tag_of(word) for word in re.split(r"[\s,;]+", text) if word}
    if len(tags) > MOST:
        raise DomainError(_("This is too much at once. Take at most %(n)s.", n=MOST))
    return list(tags.values())


def _tag_of(word: str) -> str:
    if "://" not in word:
        return word[:100]
    try:
        address = urlsplit(word)
    except ValueError:
        return word[:100]
    tag = unquote(address.path.partition("/assets/")[2].partition("/")[0]) or word
    client = parse_qs(address.query).get("client", [""])[0]
    return (f"{tag}?client={client}" if client else tag)[:100]


def look_up(
    actor: SignedIn | None, tags: Sequence[str], *, back: bool, lock: bool = False
) -> list[Look]:
    """Say of each tag whether its asset can be handed out (with ``back``: taken back), in the order given."""
    wanted = [tuple(tag.lower().partition("?client=")[::2]) for tag in tags]
    rows = queries.by_tags(tag for tag, _client in wanted)
    if lock:
        queries.lock(row.Asset.id for row in rows)
    held = queries.present((row.Asset.id for row in rows), seen=_seen(actor))
    looks = []
    for typed, (tag, client) in zip(tags, wanted, strict=True):
        mine = [r for r in rows if r.Asset.tag_key == tag and client in ("", r.code.lower())]
        live = [row for row in mine if row.Asset.deleted_at is None] or mine
        looks.append(_look(actor, typed, live, held, back=back))
    return looks


def _look(
    actor: SignedIn | None,
    tag: str,
    rows: Sequence[Any],
    held: dict[int, tuple[Custody, str | None]],
    *,
    back: bool,
) -> Look:
    if not rows:
        return Look(tag=tag, problem=_("There is no asset with this tag, or none that you see."))
    if len(rows) > 1:
        problem = _("Several clients have an asset with this tag. Hand it out from its own page.")
        return Look(tag=tag, problem=problem)
    asset = rows[0].Asset
    holder = name_of(held.get(asset.id))
    place = Place(
        location_id=rows[0].location_id, client_id=asset.client_id, project_id=asset.project_id
    )
    if actor is not None and not actor.can(PERMISSION, on=place):
        refused: str | None = _("Your permission does not reach this asset.")
    elif back:
        refused = None if holder else NOBODY
    else:
        refused = why_not_out(asset, holder)
    return Look(tag=tag, asset=asset, holder=holder, problem=refused)


def seal(looks: Iterable[Look]) -> str:
    """Return a mark of what would be done and what left out; another outcome has another mark."""
    said = sorted(f"{look.tag.lower()} {look.problem is None}" for look in looks)
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:32]


def check_out_many(
    actor: SignedIn | None, tags: Sequence[str], command: CheckOut, *, agreed: str = ""
) -> int:
    """Hand everything that was scanned to one person or place, in one transaction; return how much it was.

    Raises:
        SomeRefused: if something cannot be handed out, and ``agreed`` is not the seal of exactly that.
        DomainError: if nothing can be, or the holder or the day cannot be.
    """
    holder = _receiver(actor, command)
    fine = _settle(actor, tags, agreed, back=False)
    at = queries.moment([asset.id for asset in fine])
    with records.saying(together=False):
        for asset in fine:
            hand_over(asset, holder, command, at=at)
    return len(fine)


def check_in_many(
    actor: SignedIn | None, tags: Sequence[str], command: CheckIn, *, agreed: str = ""
) -> int:
    """Take everything that was scanned back, in one transaction; return how much it was.

    Raises:
        SomeRefused: if something cannot be taken back, and ``agreed`` is not the seal of exactly that.
        DomainError: if nothing can be.
    """
    fine = _settle(actor, tags, agreed, back=True)
    held = queries.present(asset.id for asset in fine)
    at = queries.moment([asset.id for asset in fine])
    with records.saying(together=False):
        for asset in fine:
            custody, name = held[asset.id]
            take_back(asset, custody, name or "", command, at=at)
    return len(fine)


def _settle(actor: SignedIn | None, tags: Sequence[str], agreed: str, *, back: bool) -> list[Asset]:
    if not tags:
        raise DomainError(_("Scan something first."))
    if len(tags) > MOST:
        raise DomainError(_("This is too much at once. Take at most %(n)s.", n=MOST))
    looks = look_up(actor, tags, back=back, lock=True)
    fine = {look.asset.id: look.asset for look in looks if look.asset and not look.problem}
    if not fine:
        raise DomainError(_("Nothing of this can go. Each row says why."))
    if any(look.problem for look in looks) and seal(looks) != agreed:
        raise SomeRefused(looks)
    return list(fine.values())


# --- what they share ----------------------------------------------------------------


def _receiver(actor: SignedIn | None, command: CheckOut) -> Holder:
    _check_due(actor, command.due_on)
    holder = queries.find_holder(command.holder, seen=_seen(actor), keep=True)
    if holder is None:
        raise DomainError(
            _("Choose an active person, or a place that is not deleted."), field="holder"
        )
    return holder


def _check_due(actor: SignedIn | None, due_on: date | None) -> None:
    if due_on is not None and due_on < queries.today_of(actor):
        raise DomainError(_("This day is over. Choose today or a later day."), field="due_on")


def _locked(asset: Asset) -> Asset:
    found = queries.lock([asset.id])
    if not found:
        raise DomainError(_("This asset is out of your sight by now."))
    return found[0]


def _held(asset: Asset) -> tuple[Asset, Custody, str]:
    asset = _locked(asset)
    found = queries.present([asset.id]).get(asset.id)
    if found is None:
        raise DomainError(NOBODY)
    custody, name = found
    return asset, custody, name or ""


def _seen(actor: SignedIn | None) -> Reach:
    return reach_of(actor, "assets") if actor else queries.EVERYWHERE


def name_of(present: tuple[Custody, str | None] | None) -> str | None:
    """Return the name of who has something, or words for a place out of sight; None if nobody has it."""
    return present and (present[1] or str(OUT_OF_SIGHT))


def why_not_out(asset: Asset, holder: str | None) -> str | None:
    """Say why an asset, which ``holder`` has, cannot be handed out; None if it can."""
    if asset.deleted_at is not None:
        return ARCHIVED
    if holder is not None:
        return _("%(name)s has it. Take it back first, or transfer it.", name=holder)
    if asset.status not in AVAILABLE:
        return records.REFUSALS["not_available"][0]
    return None


def _value(custody: Custody) -> str:
    if custody.holder_user_id is not None:
        return f"user:{custody.holder_user_id}"
    return f"location:{custody.holder_location_id}"


def _about(asset: Asset) -> dict[str, Any]:
    return {"object_type": "asset", "object_id": asset.id, "object_label": asset.audit_label}


def hand_over(
    asset: Asset, holder: Holder, command: CheckOut, *, at: datetime, before: str | None = None
) -> Custody:
    """Begin a custody without asking anybody, told in the asset's history; for what has asked, and for the demo."""
    custody = Custody(
        client_id=asset.client_id,
        asset_id=asset.id,
        holder_user_id=holder.id if holder.kind == "user" else None,
        holder_location_id=holder.id if holder.kind == "location" else None,
        taken_at=at,
        due_on=command.due_on,
        note=command.note,
    )
    action = "asset.transferred" if before else "asset.checked_out"
    trail.tell(custody, action, **_about(asset), changes={"holder": [before, holder.name]})
    db.session.add(custody)
    _follow(asset, Status.IN_USE)
    return custody


def take_back(asset: Asset, custody: Custody, name: str, command: CheckIn, *, at: datetime) -> None:
    """End a custody of ``name`` in the same way."""
    custody.returned_at, custody.condition = at, command.condition
    custody.return_note = command.note
    trail.tell(custody, "asset.checked_in", **_about(asset), changes={"holder": [name, None]})
    _follow(asset, Status(command.status))


def _follow(asset: Asset, status: Status) -> None:
    """Change the status with the custody; the history tells the custody only."""
    if asset.status != status:
        trail.tell(asset, "asset.followed")
        asset.status = status
