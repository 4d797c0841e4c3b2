"""How the log tells what happened to tickets and to the desk."""

from collections.abc import Callable, Mapping

from webapp.audit.sentences import SPECIAL, Event, label, pair, short
from webapp.audit.ties import by_values, if_named
from webapp.audit.wording import phrase, tells_values, transition_text
from webapp.core.language import N_, format_number, gettext, ngettext
from webapp.tickets import durations

LINKS = {
    "duplicate": N_("marked %(label)s as a duplicate of %(other)s, or that one of it"),
    "blocks": N_("noted that one of %(label)s and %(other)s blocks the other"),
    "caused_by": N_("noted that one of %(label)s and %(other)s caused the other"),
    "related": N_("linked %(label)s with %(other)s"),
}
TARGETS = {
    "response_warned_at": N_("warned that the first answer to %(label)s is due soon"),
    "resolution_warned_at": N_("warned that the solution of %(label)s is due soon"),
    "response_breached_at": N_("noted that the first answer to %(label)s is late"),
    "resolution_breached_at": N_("noted that the solution of %(label)s is late"),
}


def _new(event: Event, name: str) -> str:
    """The new value of a change or the value of a note; what went, if there is no new one."""
    old, new = pair(event.changes.get(name))
    return short(old if new is None else new)


def _with(said: str, *names: str) -> Callable[[Event], str]:
    """Tell it with values of the changes."""

    def made(event: Event) -> str:
        return gettext(said, label=label(event), **{name: _new(event, name) for name in names})

    return made


def _quoting(said: str, plain: str, on: str = "") -> Callable[[Event], str]:
    """Tell a message by its beginning, and the ticket it is on, if that is known."""

    def made(event: Event) -> str:
        ticket = pair(event.changes.get("ticket_id"))[1]
        if on and ticket and event.object_label and tells_values(event):
            where = phrase(event, "ticket_id", ticket)
            return gettext(on, label=short(event.object_label), ticket=where)
        return (
            gettext(said, label=short(event.object_label)) if event.object_label else gettext(plain)
        )

    return made


def _assigned(event: Event) -> str:
    changes = event.changes
    if "assignee_id" not in changes and "assignee" not in changes:
        return _given_to_team(event)
    old, new = pair(changes.get("assignee_id", changes.get("assignee")))
    if new is None:
        said = N_("let %(label)s go") if old == event.actor_id else N_("left %(label)s to nobody")
    elif new in (event.actor_id, event.actor_name):
        said = N_("took %(label)s")
    elif tells_values(event):
        return _passed_on(event, old, new)
    else:
        said = N_("assigned %(label)s")
    return gettext(said, label=label(event))


def _passed_on(event: Event, old: object, new: object) -> str:
    before, after = (phrase(event, "assignee_id", one) for one in (old, new))
    said = N_("assigned %(label)s to %(new)s")
    if old is not None and old != event.actor_id:
        said = N_("passed %(label)s on from %(old)s to %(new)s")
    return gettext(said, label=label(event), old=before, new=after)


def _given_to_team(event: Event) -> str:
    old, new = pair(event.changes.get("team_id"))
    said = N_("gave %(label)s to another team")
    if tells_values(event):
        said = N_("gave %(label)s to the team %(new)s")
        if new is None:
            said = N_("took %(label)s from the team %(old)s")
    teams = {"old": phrase(event, "team_id", old), "new": phrase(event, "team_id", new)}
    return gettext(said, label=label(event), **teams)


def _first(told: Mapping[str, str], plain: str) -> Callable[[Event], str]:
    """Tell by the first change that is known."""

    def made(event: Event) -> str:
        said = next((told[name] for name in event.changes if name in told), plain)
        return gettext(said, label=label(event))

    return made


def _linked(event: Event) -> str:
    kind = str(pair(event.changes.get("link"))[1])
    said = LINKS.get(kind, LINKS["related"])
    return gettext(said, label=label(event), other=_new(event, "other"))


def _time(said: str) -> Callable[[Event], str]:
    def made(event: Event) -> str:
        old, new = pair(event.changes.get("minutes"))
        minutes = old if new is None else new
        spent = durations.said(minutes) if isinstance(minutes, int) else gettext("time")
        return gettext(said, label=label(event), time=spent)

    return made


def _count(event: Event, name: str) -> int:
    count = pair(event.changes.get(name))[1]
    return count if isinstance(count, int) else 0


def _exported(event: Event) -> str:
    count = _count(event, "rows")
    n = format_number(count)
    said = ngettext("exported tickets (%(n)s row)", "exported tickets (%(n)s rows)", count, n=n)
    return str(said)


def _imported(event: Event) -> str:
    count = _count(event, "new")
    said = ngettext(
        "imported %(n)s ticket of the log %(label)s",
        "imported %(n)s tickets of the log %(label)s",
        count,
        n=format_number(count),
        label=label(event),
    )
    return str(said)


def _transition(event: Event) -> str:
    allowed = pair(event.changes.get("is_allowed"))[1]
    said = N_("allowed the change of status %(label)s")
    if allowed is False:
        said = N_("forbade the change of status %(label)s")
    elif getattr(event, "covered", False):
        said = N_("allowed or forbade the change of status %(label)s")
    return gettext(said, label=_pair_of(event))


def _pair_of(event: Event) -> str:
    """“open → resolved”, perhaps with a role behind it, in the reader's language."""
    pair_, colon, role = label(event).partition(": ")
    return transition_text(pair_) + colon + role


def _moved(event: Event) -> str:
    what, to = short(label(event)), ""
    if "to" in event.changes:
        to = _new(event, "to")
    elif tells_values(event) and (ticket := pair(event.changes.get("ticket_id"))[1]):
        to = phrase(event, "ticket_id", ticket)
    if event.object_type == "ticket_watcher":
        said = N_("had who followed the ticket follow another one instead")
        said = N_("had who followed the ticket follow %(to)s instead") if to else said
    else:
        said = N_("moved “%(label)s” to another ticket")
        said = N_("moved “%(label)s” to %(to)s") if to else said
    return gettext(said, label=what, to=to)


def _watcher(said: str, plain: str, on: str, plainly_on: str) -> Callable[[Event], str]:
    """Tell who follows: the row has the name of somebody else, and none of who does so themselves."""

    def made(event: Event) -> str:
        other = event.object_label
        old, new = pair(event.changes.get("ticket_id"))
        ticket = old if new is None else new
        if ticket and tells_values(event):
            where = phrase(event, "ticket_id", ticket)
            return gettext(on if other else plainly_on, label=other, ticket=where)
        return gettext(said, label=other) if other else gettext(plain)

    return made


_ROLE = ("role_id", "transition_id")
SPECIAL |= {
    "ticket.opened": _with(N_("opened %(label)s")),
    "ticket.described": _quoting(
        N_("described it: “%(label)s”"),
        N_("described it"),
        N_("described %(ticket)s: “%(label)s”"),
    ),
    "ticket.replied": _quoting(
        N_("answered: “%(label)s”"), N_("answered"), N_("answered on %(ticket)s: “%(label)s”")
    ),
    "ticket.recorded": _quoting(
        N_("recorded what the requester said: “%(label)s”"),
        N_("recorded what the requester said"),
        N_("recorded what the requester of %(ticket)s said: “%(label)s”"),
    ),
    "ticket.mailed": _with(N_("mailed the reply to %(label)s")),
    "ticket.mail_failed": _with(N_("could not mail the reply to %(label)s")),
    "ticket.resolution_mailed": _with(
        N_("mailed how %(label)s was resolved to %(mailed_to)s"), "mailed_to"
    ),
    "ticket.resolution_not_mailed": _with(
        N_("could not mail how %(label)s was resolved to %(mailed_to)s"), "mailed_to"
    ),
    "ticket.noted": _quoting(
        N_("noted: “%(label)s”"),
        N_("wrote an internal note"),
        N_("noted on %(ticket)s: “%(label)s”"),
    ),
    "ticket.assigned": _assigned,
    "ticket.resolved": _with(N_("resolved %(label)s")),
    "ticket.closed": _with(N_("closed %(label)s")),
    "ticket.reopened": _with(N_("opened %(label)s again")),
    "ticket.merged": _with(N_("merged %(label)s into %(into)s"), "into"),
    "ticket.merged_in": _with(N_("merged %(from)s into %(label)s"), "from"),
    "ticket.merge_undone": _with(N_("took %(label)s out of %(from)s again"), "from"),
    "ticket.merged_out": _with(N_("took %(to)s out of %(label)s again"), "to"),
    "ticket.split": _with(N_("split %(to)s off %(label)s"), "to"),
    "ticket.split_off": _with(N_("split %(label)s off %(from)s"), "from"),
    "ticket.linked": _linked,
    "ticket.unlinked": _with(N_("took the link of %(label)s with %(other)s away"), "other"),
    "ticket.sla_warned": _first(TARGETS, N_("warned that %(label)s is due soon")),
    "ticket.sla_breached": _first(TARGETS, N_("noted that %(label)s is late")),
    "ticket.exported": _exported,
    "tickets.imported": _imported,
    "ticket_message.added_by_merge": _quoting(
        N_("noted the merge: “%(label)s”"), N_("noted the merge")
    ),
    "ticket_message.added_by_split": _quoting(
        N_("noted what was split off: “%(label)s”"), N_("noted what was split off")
    ),
    **dict.fromkeys(
        (
            *("ticket_message.moved", "ticket_watcher.moved", "ticket_link.moved"),
            *("time_entry.moved", "attachment.moved"),
        ),
        _moved,
    ),
    "ticket_watcher.created": _watcher(
        N_("has %(label)s follow the ticket"),
        N_("follows the ticket"),
        N_("has %(label)s follow %(ticket)s"),
        N_("follows %(ticket)s"),
    ),
    "ticket_watcher.deleted": _watcher(
        N_("has %(label)s follow the ticket no more"),
        N_("follows the ticket no more"),
        N_("has %(label)s follow %(ticket)s no more"),
        N_("follows %(ticket)s no more"),
    ),
    "attachment.sent": _with(N_("sent the file %(label)s")),
    "time.added": _time(N_("wrote down %(time)s for %(label)s")),
    "time.changed": _time(N_("corrected the time for %(label)s to %(time)s")),
    "time.removed": _time(N_("took %(time)s for %(label)s away")),
    "team.joined": _with(N_("took %(member)s into the team %(label)s"), "member"),
    "team.left": _with(N_("took %(member)s out of the team %(label)s"), "member"),
    "team.lead_made": _with(N_("had %(member)s lead the team %(label)s"), "member"),
    "team.lead_ended": _with(N_("had %(member)s lead the team %(label)s no more"), "member"),
    "team.on_duty": _with(N_("put %(member)s on the rota of %(label)s"), "member"),
    "team.off_duty": _with(N_("took %(member)s off the rota of %(label)s"), "member"),
    "sla_policy.target_set": _with(N_("set a target of the service level %(label)s")),
    "ticket_transition.updated": _transition,
    "ticket_transition_role.created": if_named(
        by_values(
            N_("let the role %(role_id)s make the change of status %(transition_id)s"), *_ROLE
        ),
        lambda event: gettext(
            N_("let a role make the change of status %(label)s"), label=_pair_of(event)
        ),
    ),
    "ticket_transition_role.deleted": if_named(
        by_values(
            N_("let the role %(role_id)s make the change of status %(transition_id)s no more"),
            *_ROLE,
        ),
        lambda event: gettext(
            N_("let a role make the change of status no more: %(label)s"), label=_pair_of(event)
        ),
    ),
}
