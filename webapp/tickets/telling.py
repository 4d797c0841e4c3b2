"""Who is told what about a ticket. Each function defers its notices in the transaction of the change.

Nobody is told of what they did themselves, nor of a ticket that they cannot see when the change is made.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.language import N_, _, ngettext
from webapp.notifications import kinds, sights
from webapp.notifications.announcing import Notice, announce_later
from webapp.notifications.kinds import Words
from webapp.tickets.models import Message, Status, Ticket
from webapp.tickets.queries import telling as queries

EXCERPT = 280
PAGE = "tickets"
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_QUOTE = re.compile(r"^>.*$", re.MULTILINE)
TARGET = {"response": _("first response"), "resolution": _("resolution")}


def _kind(key: str, title: str, hint: str, icon: str, **values: object) -> str:
    url = f"/tickets?view={values.pop('view', 'recent')}"
    kinds.declare(
        kinds.Kind(key=key, title=title, hint=hint, icon=icon, page=PAGE, many_url=url, **values)  # type: ignore[arg-type]
    )
    return key


ASSIGNED = _kind(
    "ticket.assigned",
    N_("A ticket is given to you"),
    N_("Not if you take it yourself."),
    "user-check",
    view="mine",
    many=lambda n: ngettext(
        "%(num)s ticket was given to you", "%(num)s tickets were given to you", n
    ),
)
TAKEN = _kind(
    "ticket.taken",
    N_("A ticket of yours is given to somebody else"),
    N_("Or taken over, or to nobody."),
    "user",
    email=False,
    many=lambda n: ngettext(
        "%(num)s ticket of yours was given to somebody else",
        "%(num)s tickets of yours were given to somebody else",
        n,
    ),
)
TEAM = _kind(
    "ticket.team",
    N_("A ticket comes to your team"),
    N_("And nobody has it yet."),
    "users",
    email=False,
    view="unassigned",
    many=lambda n: ngettext(
        "%(num)s ticket came to your team", "%(num)s tickets came to your team", n
    ),
)
MENTIONED = _kind(
    "ticket.mentioned",
    N_("Somebody mentions you"),
    N_("In a reply or in an internal note."),
    "message",
    many=lambda n: ngettext(
        "You were mentioned in %(num)s ticket", "You were mentioned in %(num)s tickets", n
    ),
)
REPLIED = _kind(
    "ticket.replied",
    N_("Somebody writes on a ticket that you have or follow"),
    N_("Replies and internal notes."),
    "message",
    many=lambda n: ngettext(
        "There is something new on %(num)s ticket", "There is something new on %(num)s tickets", n
    ),
)
ANSWERED = _kind(
    "ticket.answered",
    N_("Somebody answers what you asked for"),
    N_("Replies, and questions that a ticket of yours waits for."),
    "mail",
    many=lambda n: ngettext(
        "%(num)s ticket of yours was answered", "%(num)s tickets of yours were answered", n
    ),
)
SOLVED = _kind(
    "ticket.solved",
    N_("What you asked for is resolved"),
    N_("If no reply says so already."),
    "circle-check",
    many=lambda n: ngettext(
        "%(num)s ticket of yours was resolved", "%(num)s tickets of yours were resolved", n
    ),
)
STATUS = _kind(
    "ticket.status",
    N_("A ticket that you have or follow is resolved or opened again"),
    "",
    "circle-check",
    email=False,
    many=lambda n: ngettext(
        "%(num)s ticket was resolved or opened again",
        "%(num)s tickets were resolved or opened again",
        n,
    ),
)
WARNED = _kind(
    "ticket.sla_warned",
    N_("A ticket is soon late"),
    N_("Yours, or one of your team that nobody has."),
    "clock",
    email=False,
    view="risk",
    many=lambda n: ngettext("%(num)s ticket is soon late", "%(num)s tickets are soon late", n),
)
BREACHED = _kind(
    "ticket.sla_breached",
    N_("A ticket is late"),
    N_("Yours, or one of a team that you lead or are on duty for."),
    "alert-triangle",
    view="risk",
    many=lambda n: ngettext("%(num)s ticket is late", "%(num)s tickets are late", n),
)
sights.SIGHTS["ticket"] = sights.Sight(page=PAGE, find=queries.in_sight)


@dataclass(frozen=True, kw_only=True, slots=True)
class _News:
    """What happened on a ticket, in values that outlive the change; who is told of it is found at the end."""

    kind: str
    ticket_id: int
    number: int
    words: Callable[[], Words]
    actor_id: int | None
    to: frozenset[int] = frozenset()
    watchers: bool = False
    team: int | None = None  # all its members
    command: int | None = None  # this team's leads, and who is on duty
    mentioned: frozenset[int] = field(default=frozenset())
    mention: Callable[[], Words] | None = None
    anchor: str = ""
    # Who asked is told once of all that happens at once: a part of it is "replied", "solved" or "asked".
    asker: int | None = None
    part: str = ""
    not_to: int | None = None  # who asked, where that is told otherwise or not at all


def opened(ticket: Ticket, actor: SignedIn | None) -> None:
    """Tell a new ticket's assignee, or its team where nobody has it."""
    assigned(ticket, actor)


def described(
    ticket: Ticket, message: Message, actor: SignedIn | None, *, mentioned: Iterable[int]
) -> None:
    """Tell those whom a new ticket mentions; who gets it is told that."""
    to = frozenset(mentioned) - _assignee(ticket)
    if to:
        named = _("%(who)s mentions you on #%(number)s %(subject)s", **_facts(ticket, actor))
        words = _saying(named, message.body)
        _tell(MENTIONED, ticket, actor, words, to=to, anchor=f"#message-{message.id}")


def assigned(ticket: Ticket, actor: SignedIn | None, *, note: str = "") -> None:
    """Tell who got the ticket; ``note`` is what whoever hands it over says."""
    if ticket.assignee_id is not None:
        given = _("%(who)s gave you #%(number)s %(subject)s", **_facts(ticket, actor))
        _tell(ASSIGNED, ticket, actor, _saying(given, note), to=frozenset({ticket.assignee_id}))
    elif ticket.team_id is not None:
        came = _("For your team: #%(number)s %(subject)s", **_facts(ticket, actor))
        _tell(TEAM, ticket, actor, _saying(came, note), team=ticket.team_id)


def taken(ticket: Ticket, actor: SignedIn | None, *, had_it: int | None) -> None:
    """Tell who had the ticket that it is theirs no more."""
    if had_it is None or had_it == ticket.assignee_id:
        return
    facts = _facts(ticket, actor)
    if actor is not None and actor.id == ticket.assignee_id:
        said = _("%(who)s took over #%(number)s %(subject)s from you", **facts)
    elif ticket.assignee_id is not None:
        said = _("%(who)s gave somebody else your #%(number)s %(subject)s", **facts)
    else:
        said = _("%(who)s took #%(number)s %(subject)s from you; nobody has it", **facts)
    _tell(TAKEN, ticket, actor, _saying(said), to=frozenset({had_it}))


def replied(
    ticket: Ticket,
    message: Message,
    actor: SignedIn | None,
    *,
    mentioned: Iterable[int] = (),
) -> None:
    """Tell those who are mentioned, then assignee, watchers and, of a public reply, who asked; not the author."""
    facts = _facts(ticket, actor)
    asker = ticket.requester_user_id
    public = not message.is_note and message.recorded_by_id is None
    if message.is_note:
        said = _("%(who)s wrote a note on #%(number)s %(subject)s", **facts)
    elif public:
        said = _("%(who)s replied to #%(number)s %(subject)s", **facts)
    else:
        said = _("%(who)s wrote down what the requester says: #%(number)s %(subject)s", **facts)
    named = _("%(who)s mentions you on #%(number)s %(subject)s", **facts)
    _tell(
        REPLIED,
        ticket,
        actor,
        _saying(said, message.body),
        to=_assignee(ticket),
        watchers=True,
        mentioned=frozenset(mentioned),
        mention=_saying(named, message.body),
        anchor=f"#message-{message.id}",
        asker=asker if public else None,
        part="replied",
        not_to=None if message.is_note and asker == ticket.assignee_id else asker,
    )


def status_changed(ticket: Ticket, actor: SignedIn | None) -> None:
    """Tell assignee and watchers that it was resolved or opened again; and who asked, that it was resolved."""
    facts, asker = _facts(ticket, actor), None
    if ticket.status in (Status.RESOLVED, Status.CLOSED):
        asker = ticket.requester_user_id
        said = _("%(who)s resolved #%(number)s %(subject)s", **facts)
    else:
        said = _("%(who)s opened #%(number)s %(subject)s again", **facts)
    _tell(
        STATUS,
        ticket,
        actor,
        _saying(said, ticket.resolution),
        to=_assignee(ticket),
        watchers=True,
        asker=asker,
        part="solved",
        not_to=asker,
    )


def asked(ticket: Ticket, actor: SignedIn | None) -> None:
    """Tell who asked for it that the ticket waits for them."""
    if ticket.requester_user_id is not None:
        waits = _("%(who)s waits for your answer: #%(number)s %(subject)s", **_facts(ticket, actor))
        asker = ticket.requester_user_id
        _tell(ANSWERED, ticket, actor, _saying(waits), asker=asker, part="asked")


def sla_warned(ticket: Ticket, what: str) -> None:
    """Warn assignee, or else the team: ``what`` is "response" or "resolution"."""
    facts = _facts(ticket, None)
    said = _("Soon late (%(what)s): #%(number)s %(subject)s", what=TARGET[what], **facts)
    team = ticket.team_id if ticket.assignee_id is None else None
    _tell(WARNED, ticket, None, _saying(said), to=_assignee(ticket), team=team)


def sla_breached(ticket: Ticket, what: str) -> None:
    """Tell assignee, who is on duty and the team's leads that a target is missed."""
    facts = _facts(ticket, None)
    said = _("Late (%(what)s): #%(number)s %(subject)s", what=TARGET[what], **facts)
    _tell(BREACHED, ticket, None, _saying(said), to=_assignee(ticket), command=ticket.team_id)


def _assignee(ticket: Ticket) -> frozenset[int]:
    return frozenset() if ticket.assignee_id is None else frozenset({ticket.assignee_id})


def _facts(ticket: Ticket, actor: SignedIn | None) -> dict[str, object]:
    who = actor.name if actor else "Steward"
    return {"number": ticket.number, "subject": ticket.subject, "who": who}


def _saying(title: str, body: str = "") -> Callable[[], Words]:
    """The words, in the language of whoever reads them: what people wrote stays as it is."""
    shown = excerpt(body)
    return lambda: (str(title), shown)


def excerpt(body: str) -> str:
    """Return the beginning of what somebody wrote, as plain text and without what it quotes."""
    plain = " ".join(_LINK.sub(r"\1", _QUOTE.sub("", body)).split())
    return plain if len(plain) <= EXCERPT else plain[: EXCERPT - 1].rstrip() + "…"


def _tell(
    kind: str,
    ticket: Ticket,
    actor: SignedIn | None,
    words: Callable[[], Words],
    **whom: object,
) -> None:
    if trail.context().get("category") == "import":
        return  # it happened long ago
    news = _News(
        kind=kind,
        ticket_id=ticket.id,
        number=ticket.number,
        words=words,
        actor_id=actor.id if actor else None,
        **whom,  # type: ignore[arg-type]
    )
    announce_later(_resolve, news)


# Who is told: of all that one transaction has to say, with a few queries


def _resolve(items: Sequence[_News]) -> list[Notice]:
    told = _candidates(items)
    mentions = [(news.ticket_id, user) for news in items for user in news.mentioned]
    pairs = [(news.ticket_id, user) for news, users in told for user in users]
    askers = [(news.ticket_id, news.asker) for news in items if news.asker is not None]
    seen = queries.who_sees([*pairs, *mentions, *askers])
    # Who gets the ticket with a note is told that, and not of the note as well.
    given = {
        (news.ticket_id, user) for news, users in told if news.kind == ASSIGNED for user in users
    }
    notices: list[Notice] = []
    heard: set[tuple[int, int]] = set()  # by a mention
    for news, users in told:
        # One's own deeds are no news, but a late ticket is everybody's.
        mine = {news.actor_id}
        named = {user for user in news.mentioned if (news.ticket_id, user) in seen} - mine
        if named and news.mention is not None:
            notices.append(_notice(news, MENTIONED, named, news.mention))
            heard |= {(news.ticket_id, user) for user in named}
        others = {user for user in users if (news.ticket_id, user) in seen} - mine - named
        others -= {news.not_to}
        if news.kind == REPLIED:
            others = {user for user in others if (news.ticket_id, user) not in given}
        if others:
            notices.append(_notice(news, news.kind, others, news.words))
    return [*notices, *_to_askers(items, seen - heard)]


def _to_askers(items: Sequence[_News], seen: set[tuple[int, int]]) -> Iterator[Notice]:
    """Tell who asked once of what happened at once: what was said under what it came to."""
    parts: dict[tuple[int, int], dict[str, _News]] = {}
    for news in items:
        key = news.ticket_id, news.asker or 0
        if key in seen and news.asker != news.actor_id:
            parts.setdefault(key, {})[news.part] = news
    for (_ticket, asker), mine in parts.items():
        lead = mine.get("solved") or mine.get("asked") or mine["replied"]
        said = mine.get("replied", lead)
        kind = SOLVED if said.part == "solved" else ANSWERED
        yield _notice(said, kind, {asker}, _under(lead.words, said.words))


def _under(title: Callable[[], Words], body: Callable[[], Words]) -> Callable[[], Words]:
    return lambda: (title()[0], body()[1])


def _candidates(items: Sequence[_News]) -> list[tuple[_News, set[int]]]:
    watching: dict[int, set[int]] = {}
    for row in queries.watchers(news.ticket_id for news in items if news.watchers):
        watching.setdefault(row.ticket_id, set()).add(row.user_id)
    commanded = [news.command for news in items if news.command is not None]
    teams = [news.team for news in items if news.team is not None]
    members: dict[int, set[int]] = {}
    leads: dict[int, set[int]] = {}
    for row in queries.members([*teams, *commanded]):
        members.setdefault(row.team_id, set()).add(row.user_id)
        if row.is_lead:
            leads.setdefault(row.team_id, set()).add(row.user_id)
    for row in queries.on_duty(commanded):
        leads.setdefault(row.team_id, set()).add(row.user_id)
    return [
        (
            news,
            set(news.to)
            | (watching.get(news.ticket_id, set()) if news.watchers else set())
            | members.get(news.team or 0, set())
            | leads.get(news.command or 0, set()),
        )
        for news in items
    ]


def _notice(news: _News, kind: str, users: set[int], words: Callable[[], Words]) -> Notice:
    return Notice(
        user_ids=tuple(sorted(users)),
        kind=kind,
        words=words,
        url=f"/tickets/{news.number}{news.anchor}",
        group=f"ticket:{news.ticket_id}:{kind}",
        about=("ticket", news.ticket_id),
    )
