"""How the log tells of rows that tie two others together, and of other small ones, by the names in their values."""

from collections.abc import Callable

from webapp.audit.wording import Event, Named, brief, label, pair
from webapp.core.language import N_, gettext

Teller = Callable[[Event], str]


def by_values(said: str, *fields: str) -> Teller:
    """Tell an event by its label and some values: the new one, or the one that went."""

    def made(event: Event) -> str:
        values = {}
        for field in fields:
            old, new = pair(event.changes.get(field))
            values[field] = brief(event, field, old if new is None else new)
        return gettext(said, label=label(event), **values)

    return made


def if_named(named: Teller, else_: Teller) -> Teller:
    """Tell it by the names where they are known."""
    return lambda event: (named if isinstance(event, Named) else else_)(event)


_PERMISSION, _PAGE = ("role_id", "permission_id"), ("role_id", "page_id")
_SHIFT = ("user_id", "team_id", "starts_at", "ends_at")
_SPAN = ("hours_id", "weekday", "opens", "closes")
_TARGET = ("policy_id", "priority", "response", "resolution")
_LINK = ("ticket_id", "other_id", "kind")
_TOLD_HOW = ("kind", "in_app", "email")
TIES: dict[str, Teller] = {
    "role_permission.created": by_values(
        N_("put the permission “%(permission_id)s” into the role %(role_id)s"), *_PERMISSION
    ),
    "role_permission.deleted": by_values(
        N_("took the permission “%(permission_id)s” out of the role %(role_id)s"), *_PERMISSION
    ),
    "page_role.created": by_values(
        N_("put the page “%(page_id)s” into the role %(role_id)s"), *_PAGE
    ),
    "page_role.deleted": by_values(
        N_("took the page “%(page_id)s” out of the role %(role_id)s"), *_PAGE
    ),
    "user_role.created": by_values(
        N_("gave %(user_id)s the role %(role_id)s"), "user_id", "role_id"
    ),
    "user_role.deleted": by_values(
        N_("took the role %(role_id)s from %(user_id)s"), "user_id", "role_id"
    ),
    "team_member.created": by_values(
        N_("took %(user_id)s into the team %(team_id)s"), "user_id", "team_id"
    ),
    "team_member.deleted": by_values(
        N_("took %(user_id)s out of the team %(team_id)s"), "user_id", "team_id"
    ),
    "team_shift.created": by_values(
        N_("put %(user_id)s on the rota of %(team_id)s, from %(starts_at)s to %(ends_at)s"), *_SHIFT
    ),
    "team_shift.deleted": by_values(
        N_("took %(user_id)s off the rota of %(team_id)s, from %(starts_at)s to %(ends_at)s"),
        *_SHIFT,
    ),
    "business_span.created": by_values(
        N_("opened the hours %(hours_id)s on %(weekday)s from %(opens)s to %(closes)s"), *_SPAN
    ),
    "business_span.deleted": by_values(
        N_("closed the hours %(hours_id)s on %(weekday)s from %(opens)s to %(closes)s"), *_SPAN
    ),
    "holiday.created": by_values(
        N_("added the holiday %(label)s (%(day)s) to the hours %(hours_id)s"), "day", "hours_id"
    ),
    "holiday.deleted": by_values(
        N_("took the holiday %(label)s (%(day)s) out of the hours %(hours_id)s"), "day", "hours_id"
    ),
    "sla_target.created": by_values(
        N_(
            "set the target of %(policy_id)s for the priority %(priority)s: answer within %(response)s,"
            " solution within %(resolution)s"
        ),
        *_TARGET,
    ),
    "sla_target.deleted": by_values(
        N_(
            "took the target of %(policy_id)s for the priority %(priority)s away: answer within"
            " %(response)s, solution within %(resolution)s"
        ),
        *_TARGET,
    ),
    # Without names these would tell ids, which are not the numbers that tickets go by.
    "ticket_link.created": if_named(
        by_values(N_("linked %(ticket_id)s and %(other_id)s: %(kind)s"), *_LINK),
        by_values(N_("linked two tickets: %(kind)s"), "kind"),
    ),
    "ticket_link.deleted": if_named(
        by_values(N_("took the link of %(ticket_id)s and %(other_id)s away: %(kind)s"), *_LINK),
        by_values(N_("took the link of two tickets away: %(kind)s"), "kind"),
    ),
    "ticket_link.restored": if_named(
        by_values(N_("linked %(ticket_id)s and %(other_id)s again: %(kind)s"), *_LINK),
        by_values(N_("linked two tickets again: %(kind)s"), "kind"),
    ),
    "ticket_merge.created": if_named(
        by_values(N_("merged %(source_id)s into %(target_id)s"), "source_id", "target_id"),
        by_values(N_("merged a ticket into another one")),
    ),
    "ticket_watcher.restored": if_named(
        by_values(N_("had %(user_id)s follow %(ticket_id)s again"), "user_id", "ticket_id"),
        by_values(N_("had somebody follow the ticket again")),
    ),
    "user_token.created": by_values(
        N_("made a link for %(user_id)s (%(kind)s)"), "user_id", "kind"
    ),
    "user_token.updated": by_values(N_("noted that a link was used or is void (%(label)s)")),
    "user_token.deleted": by_values(
        N_("removed a link for %(user_id)s (%(kind)s)"), "user_id", "kind"
    ),
    "notification_preference.created": by_values(
        N_("chose how to hear of “%(kind)s”: in the app %(in_app)s, by mail %(email)s"), *_TOLD_HOW
    ),
    "notification_preference.deleted": by_values(
        N_("went back to the usual way to hear of “%(kind)s”"), "kind"
    ),
    "notification_preference.updated": by_values(N_("changed how to hear of something")),
    "notification_settings.created": by_values(N_("chose when mails may come")),
    "notification_settings.updated": by_values(N_("changed when mails may come")),
    "notification_settings.deleted": by_values(N_("let mails come whenever they like again")),
    "audit.verified": lambda event: by_values(
        N_("checked %(rows)s rows of the audit log against their seals: all is as it was sealed")
        if event.outcome == "ok"
        else N_("checked %(rows)s rows of the audit log against their seals, and found faults"),
        "rows",
    )(event),
    "audit.acknowledged": by_values(N_("acknowledged what the check %(label)s of the log found")),
    "audit.not_sealed": by_values(N_("could not seal the audit log")),
    "audit.sealing_late": by_values(
        N_("found that the audit log had not been sealed for %(minutes)s minutes"), "minutes"
    ),
    "audit.heads_taken": by_values(N_("downloaded the seals of the audit log (%(rows)s)"), "rows"),
    "audit.retired": by_values(
        N_("took the month %(month)s out of the audit log (%(rows)s rows)"), "month", "rows"
    ),
    "audit.epoch_raised": by_values(
        N_("began epoch %(epoch)s of the audit log after a restore"), "epoch"
    ),
    "audit_export.created": by_values(
        N_("asked for an export of the log (%(format)s, filter: %(query)s)"), "format", "query"
    ),
    "audit_export.updated": by_values(N_("finished the export of the log %(label)s")),
    "audit_export.deleted": by_values(N_("removed the export of the log %(label)s")),
}
