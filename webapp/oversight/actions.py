"""What actions are called where they are chosen: the log has codes, people read words."""

from webapp.audit.sentences import ACTIONS, SIMPLE, SPECIAL
from webapp.core.language import N_, gettext
from webapp.core.object_types import TYPES, title_of

# The second half of a code; what is not here is shown as it is, without its underscores.
DONE = {
    "assigned": N_("assigned"),
    "closed": N_("closed"),
    "created": N_("created"),
    "deleted": N_("deleted"),
    "denied": N_("refused"),
    "ended": N_("ended"),
    "exported": N_("exported"),
    "failed": N_("failed"),
    "merged": N_("merged"),
    "moved": N_("moved"),
    "noted": N_("noted"),
    "opened": N_("opened"),
    "read": N_("read"),
    "refused": N_("refused"),
    "renamed": N_("renamed"),
    "reopened": N_("reopened"),
    "replied": N_("answered"),
    "resolved": N_("resolved"),
    "restored": N_("restored"),
    "revoked": N_("taken away"),
    "sent": N_("sent"),
    "split": N_("split"),
    "updated": N_("changed"),
    "viewed": N_("looked at"),
}
# The first half, where it is not a kind of record.
ABOUT = {
    "access": N_("access"),
    "audit": N_("audit log"),
    "import": N_("import"),
    "mail": N_("mail"),
    "request": N_("request"),
    "session": N_("session"),
    "system": N_("system"),
    "time": N_("time"),
    "users": N_("people"),
}


def action_title(action: str) -> str:
    """Return an action as people say it: “Ticket: answered”."""
    kind, verb = action.partition(".")[::2]
    about = gettext(ABOUT[kind]) if kind in ABOUT else ""
    about = about or (title_of(kind) if kind in TYPES else kind.replace("_", " "))
    done = gettext(DONE[verb]) if verb in DONE else verb.replace("_", " ")
    return f"{about[:1].upper()}{about[1:]}: {done}" if done else about


def actions_like(typed: str) -> list[tuple[str, str]]:
    """Return the actions (code, title) of which what was typed is a part, by title."""
    wanted = typed.casefold().split()
    named = {code: action_title(code) for code in (*ACTIONS, *SIMPLE, *SPECIAL)}
    found = [
        (code, title)
        for code, title in named.items()
        if all(word in f"{title} {code}".casefold() for word in wanted)
    ]
    return sorted(found, key=lambda item: item[1].casefold())
