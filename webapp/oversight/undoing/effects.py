"""What a row of the log did, as undoing sees it: to which thing, and which values. Plain functions, no database."""

from datetime import datetime
from typing import Any, cast

from webapp.audit.sentences import pair
from webapp.core.language import Text, _
from webapp.oversight.undoing.steps import OPPOSITE, Did, Effect, Pair

# Columns of tickets that clocks keep: they follow from the others by themselves.
CLOCKS = frozenset(
    (
        *("sla_policy_id", "responded_at", "response_due_at", "response_warned_at", "pauses"),
        *("response_breached_at", "resolution_due_at", "resolution_warned_at", "sla_check_at"),
        *("resolution_breached_at", "response_warn_at", "resolution_warn_at", "last_message_at"),
    )
)
SCOPE = ("location_id", "client_id", "project_id")
CUSTODY = ("asset.checked_out", "asset.checked_in", "asset.transferred", "asset.extended")
MERGES = ("ticket.merged", "ticket.merge_undone")
# Rows that tell what others of the same request did, or what followed from it.
TELLING = frozenset(
    (
        *("user.deactivated", "user.restored", "role.permissions_changed", "role.copied"),
        *("ticket.linked", "ticket.unlinked", "ticket.merged_in", "ticket.merged_out"),
        *("asset.left", "project.left", "asset.followed", "custody.followed", "audit.undone"),
        *("asset.bulk_changed", "asset.bulk_undone", "ticket.bulk_changed", "ticket.bulk_undone"),
        *("ticket.mail_failed", "ticket.resolution_not_mailed"),
        *("ticket.bulk_said", "ticket.sla_warned", "ticket.sla_breached", "user.invited"),
        *("session.revoked", "session.ended", "user.link_made"),
    )
)
FOLLOWING = frozenset(
    {"user_token", "user_session", "notification", "job", "ticket_merge", "audit_export"}
)
MOVED_BY_MERGES = frozenset(
    (
        *("ticket", "ticket_message", "ticket_watcher", "ticket_link", "ticket_merge"),
        *("attachment", "time_entry"),
    )
)
# Kinds whose rows are told by their own columns: "<kind>.created", ".updated" and ".deleted".
PLAIN = frozenset(
    (
        *("location", "client", "project", "asset", "asset_type", "user", "role", "ticket"),
        *("team", "canned_reply", "contact", "sla_policy", "attachment", "saved_view"),
        *("ticket_link", "ticket_transition", "ticket_transition_role"),
    )
)
CHANGING = {
    **dict.fromkeys(
        ("ticket.assigned", "ticket.resolved", "ticket.closed", "ticket.reopened"), "updated"
    ),
    **dict.fromkeys(("attachment.renamed", "attachment.deleted", "attachment.restored"), "updated"),
    "attachment.made_main": "updated",
}
NOT_UNDONE: dict[str, Text] = {
    **dict.fromkeys(
        ("ticket.replied", "ticket.recorded", "ticket.noted", "ticket.described"),
        _("What was said has been read and mailed. Say something else instead."),
    ),
    "ticket.opened": _("A ticket is never deleted. Close it or merge it instead."),
    **dict.fromkeys(
        ("ticket.split", "ticket.split_off"),
        _("What was split is merged again: open the new ticket and merge it."),
    ),
    "contact.created": _("A contact is never deleted. Change it instead."),
    "attachment.sent": _("A file that was sent stays in the conversation. Delete it there."),
    "attachment.purged": _("The file is gone for good."),
    **dict.fromkeys(
        ("mail.sent", "ticket.mailed", "ticket.resolution_mailed"),
        _("A mail cannot be called back."),
    ),
    **dict.fromkeys(
        ("time.added", "time.changed", "time.removed"),
        _("Only who spent the time changes what is written down, on the page of the ticket."),
    ),
    **dict.fromkeys(
        ("user.password_changed", "user.password_reset", "user.joined"),
        _("The log keeps no secrets, so what it was before is not known."),
    ),
    "team.off_duty": _("Put them on the rota again from the page of the team."),
    "business_hours.updated": _("Change the hours on their own page: the log tells them in words."),
    "sla_policy.target_set": _("Change the targets on the page of the service level."),
}
BY_CATEGORY: dict[str, Text] = {
    "sign-in": _("Signing in or out changes nothing that could be set back."),
    "read": _("What was read cannot be unread."),
    "export": _("What was taken away cannot be called back."),
    "import": _("This is history that was brought in, not a change made here."),
    "system": _("The system did this for its own housekeeping."),
}
TOLD_BY_OTHERS = _("This only tells what other rows of the same request did.")
WITH_MERGE = _("This goes along with the merge.")
ALONE = _("This only tells what other rows of the same request did. Undo the whole request.")
FOLLOWS = _("Links, sessions, clocks and notices follow by themselves, and stay as they are.")
NOTHING = _("Nothing was changed: it was refused, or failed.")
UNKNOWN = _("There is no way to undo this kind of change here.")
HARMLESS = frozenset({"sign-in", "read", "export", "system"})
NAMED_BY_TEXT = {"team_lead": 1, "team_shift": 2}  # which part of the key of a thing is no number
MOST = 2**63  # no number in the database is as large


def why_left(row: Any, *, among: bool) -> tuple[Text, bool]:
    """Say why a row without an effect stays, and whether it keeps its request from being undone whole.

    ``among``: other rows of the same request have an effect.
    """
    if row.outcome != "ok":
        return NOTHING, not among
    if among and (row.action in TELLING or row.object_type in FOLLOWING):
        return (TOLD_BY_OTHERS if row.action in TELLING else FOLLOWS), False
    words = NOT_UNDONE.get(row.action) or BY_CATEGORY.get(row.category)
    if words is not None:
        return words, not (among and row.category in HARMLESS)
    if row.action in TELLING:
        return ALONE, True
    if row.object_type in FOLLOWING or (row.object_type == "ticket" and not _columns(row, CLOCKS)):
        return FOLLOWS, not among
    return UNKNOWN, True


def effect_of(row: Any) -> Effect | None:
    """Return what a row did, or None if nothing of it can be taken back."""
    if row.outcome != "ok" or row.category not in ("change", "access") or row.action in NOT_UNDONE:
        return None
    for find in (_grant, _member, _shift, _custody, _merge, _watcher, _contents, _plain):
        if effect := find(row):
            return effect if _is_sound(effect) else None
    return None


def _is_sound(effect: Effect) -> bool:
    """Tell whether the key is one that the database could have: who brings history in may write anything."""
    parts = effect.key if isinstance(effect.key, tuple) else (effect.key,)
    text = NAMED_BY_TEXT.get(effect.kind)
    return all(
        _is_text(one, moment=effect.kind == "team_shift")
        if at == text
        else one is None or (type(one) is int and abs(one) < MOST)
        for at, one in enumerate(parts)
    )


def _is_text(value: Any, *, moment: bool) -> bool:
    if not isinstance(value, str) or not moment:
        return value is None or isinstance(value, str)
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _columns(row: Any, without: frozenset[str] = frozenset()) -> dict[str, Pair]:
    """The changed columns; what notes tell besides is no pair."""
    return {
        name: (change[0], change[1])
        for name, change in row.changes.items()
        if isinstance(change, list) and len(change) == 2 and name not in without  # noqa: PLR2004
    }


def _values(row: Any, *names: str, gone: bool) -> tuple[Any, ...]:
    """The columns of a row that came (or is ``gone``)."""
    return tuple(pair(row.changes.get(name))[0 if gone else 1] for name in names)


def _grant(row: Any) -> Effect | None:
    if row.action not in ("role.assigned", "role.revoked") or "role_id" not in row.changes:
        return None
    gone = row.action == "role.revoked"
    key = _values(row, "user_id", "role_id", *SCOPE, gone=gone)
    fields = {"role": pair(row.changes.get("role"))}
    return Effect(kind="user_role", key=key, did="deleted" if gone else "created", fields=fields)


def _member(row: Any) -> Effect | None:
    verbs = {"team.joined": "created", "team.left": "deleted"}
    leads = ("team.lead_made", "team.lead_ended")
    told = {"member": pair(row.changes.get("member"))}
    if row.action in leads and "is_lead" in row.changes:
        name = told["member"][1] or told["member"][0]
        return Effect(
            kind="team_lead",
            key=(row.object_id, name),
            did="updated",
            fields=_columns(row, frozenset({"member"})),
        )
    if row.action not in verbs or "user_id" not in row.changes:
        return None
    (user_id,) = _values(row, "user_id", gone=row.action == "team.left")
    lead = {"is_lead": _columns(row).get("is_lead", (None, None))}
    return Effect(
        kind="team_member",
        key=(row.object_id, user_id),
        did=_did(verbs[row.action]),
        fields=told | lead,
    )


def _shift(row: Any) -> Effect | None:
    if row.action != "team.on_duty":
        return None
    key = (row.object_id, *_values(row, "user_id", "starts_at", gone=False))
    return Effect(kind="team_shift", key=key, did="created", fields=_columns(row))


def _custody(row: Any) -> Effect | None:
    if row.action not in CUSTODY:
        return None
    fields = _columns(row)
    if row.action == "asset.extended":
        fields = {"due_on": fields.get("due_on", (None, None))}
    return Effect(kind="custody", key=row.object_id, did="updated", fields=fields)


def _merge(row: Any) -> Effect | None:
    if row.action not in MERGES:
        return None
    told = {name: (None, row.changes[name]) for name in ("into", "from") if name in row.changes}
    return Effect(kind="merge", key=row.object_id, did="updated", fields=told)


def _watcher(row: Any) -> Effect | None:
    kind, _dot, verb = row.action.rpartition(".")
    if kind != "ticket_watcher" or "user_id" not in row.changes or verb == "updated":
        return None
    key = _values(row, "ticket_id", "user_id", gone=verb == "deleted")
    fields = {"user_id": _columns(row)["user_id"]}
    return Effect(kind="ticket_watcher", key=key, did=_did(verb), fields=fields)


def _contents(row: Any) -> Effect | None:
    """A page or permission of a role: a value of the role."""
    column = {"page_role": "page_id", "role_permission": "permission_id"}.get(row.object_type or "")
    if column is None:
        return None
    gone = row.action.endswith(".deleted")
    role_id, key = _values(row, "role_id", column, gone=gone)
    if role_id is None or key is None:
        return None
    fields = {f"{column.removesuffix('_id')}:{key}": (gone, not gone)}
    return Effect(kind="role", key=role_id, did="updated", fields=fields)


def _plain(row: Any) -> Effect | None:
    kind, _dot, verb = row.action.rpartition(".")
    did = CHANGING.get(row.action, verb)
    if kind not in PLAIN or kind != row.object_type or did not in OPPOSITE:
        return None  # also what is told of another thing, so that its own key is not known
    fields = _columns(row, CLOCKS if kind == "ticket" else frozenset())
    return Effect(kind=kind, key=row.object_id, did=_did(did), fields=fields) if fields else None


def _did(verb: str) -> Did:
    return cast("Did", verb)
