"""What acts in the log: jobs and commands by their words, and sessions by whose they are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for

from webapp.audit.queries import search_names
from webapp.core.identity import signed_in_person
from webapp.core.language import N_, gettext
from webapp.core.pickers import Option
from webapp.core.typed import number_of
from webapp.oversight.masking import Mask
from webapp.users import queries as users
from webapp.users.presenting import device

EVERY = "system:"
_JOB, _COMMAND = N_("job of the worker"), N_("command (CLI)")
# What acts without a person: its name in the log, what kind of thing it is, and what it does.
SYSTEMS: dict[str, tuple[str, str]] = {
    "audit.seal": (_JOB, N_("seals the log each minute")),
    "audit.check_days": (_JOB, N_("checks the seals of the last days each night")),
    "audit.check_all": (_JOB, N_("checks all seals each Sunday")),
    "audit.export": (_JOB, N_("makes exports of the log")),
    "audit.check": (_JOB, N_("checks the seals when somebody asks")),
    "jobs.purge": (_JOB, N_("removes each hour what nobody needs any more")),
    "tickets.watch_service_levels": (_JOB, N_("watches service levels each minute")),
    "tickets.close_resolved": (_JOB, N_("closes resolved tickets")),
    "notifications.mail": (_JOB, N_("sends notifications by mail")),
    "tickets.mail_reply": (_JOB, N_("mails answers")),
    "create-admin": (_COMMAND, N_("makes the first administrator")),
    "audit retire": (_COMMAND, N_("takes old months out of the log")),
    "audit epoch": (_COMMAND, N_("begins a new chain of seals")),
    "export": (_COMMAND, N_("takes rows out of the log")),
    "import-log": (_COMMAND, N_("brings tickets in from elsewhere")),
    "purge-files": (_COMMAND, N_("removes deleted files for good")),
    "migrate": (_COMMAND, N_("brings the database up to date")),
    "seed": (_COMMAND, N_("fills in the demo data")),
}


def systems_like(typed: str) -> list[Option]:
    """Return what acts without a person, of whose name or words what was typed is a part; those that acted first."""
    acted = [name.removeprefix(EVERY) for name in search_names.system_names()]
    title = gettext("Without a person")
    every = gettext("Steward itself"), gettext("all jobs and commands that act for nobody")
    offered = [Option(value=EVERY, label=every[0], hint=every[1], group=title)]
    for name in dict.fromkeys([*acted, *(SYSTEMS if typed else ())]):
        said = [gettext(part) for part in SYSTEMS.get(name, ())]
        if name not in acted:
            said.append(gettext("nothing in the log yet"))
        offered.append(
            Option(
                value=f"{EVERY}{name}", label=f"Steward ({name})", hint=", ".join(said), group=title
            )
        )
    wanted = typed.casefold()
    return [one for one in offered if wanted in f"{one.label} {one.hint} {one.value}".casefold()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A session as the log's reader may know it; ``ended_at`` is empty while it works."""

    number: int
    name: str
    device: str
    ip: str
    began_at: datetime
    ended_at: datetime | None
    ran_out: bool
    url: str


def session_of(via: str | None, mask: Mask) -> Session | None:
    """Tell whose session it is that the log names, one statement; None if it is none, gone, or not for this reader."""
    kind, _colon, typed = (via or "").partition(":")
    number = number_of(typed)
    if kind != "session" or number is None or mask.hides("user_session", None):
        return None
    row: Any = users.find_session(number)
    if row is None:
        return None
    return Session(
        number=number,
        name=row.name,
        device=device(row.user_agent),
        ip=row.ip or "",
        began_at=row.created_at,
        ended_at=row.revoked_at or (None if row.works else row.ran_out_at),
        ran_out=row.revoked_at is None,
        url=url_for("users.show_sessions", user_id=row.user_id)
        if signed_in_person().opens("users")
        else "",
    )
