"""What actions are called where they are chosen: the log has codes, people read words."""

from webapp.audit.actions import action_title as action_title  # noqa: PLC0414 - found here by others
from webapp.audit.sentences import ACTIONS, SIMPLE, SPECIAL


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
