"""The reasons that the program itself wrote into the log, in English, said in the reader's language."""

import re
from functools import lru_cache

from webapp.core.language import N_, gettext

# Refusals, and why sessions ended. Whatever else stands there was typed by a person, and stays as it is.
OURS = (
    N_("None of your roles opens the page “%(title)s”."),
    N_("None of your roles holds the permission “%(title)s”."),
    N_("Your permission “%(title)s” does not reach this."),
    N_("Your permission does not reach this."),
    N_("Your permission does not reach this asset."),
    N_("Your permission does not reach this place."),
    N_("Your permission does not reach this ticket."),
    N_("You may not change tickets."),
    N_("Teams count everywhere, so only those who may run the desk everywhere change them."),
    N_("Service levels count everywhere, so only those who run the desk everywhere change them."),
    N_("Replies that many share are changed by those who may run the desk everywhere."),
    N_("Only who spent the time changes what is written down."),
    N_("None of your roles opens this page."),
    N_("This view belongs to somebody else."),
    N_("You may not share views."),
    N_("Types count everywhere, so only those who may edit types everywhere change them."),
    N_("Your permission reaches no location."),
    N_("Your permission reaches no client."),
    N_("You may not give or take roles there."),
    N_("Nobody edits their own roles. Ask another administrator."),
    N_("This person holds the role “%(role)s”, which gives more than you hold yourself."),
    N_("The role “%(role)s” gives more than you hold there yourself: %(what)s."),
    N_("Roles count everywhere, so only those who may edit roles everywhere change them."),
    N_(
        "You cannot put into a role, or take out of it, what you do not hold everywhere yourself: %(what)s."
    ),
    N_("password chosen by link"),
    N_("address changed"),
    N_("ended by an administrator"),
    N_("password changed"),
    N_("replaced"),
    N_("undoing an earlier change"),
    N_("undoing a merge"),
    N_("Undoing request %(request)s: %(reason)s"),
    N_("Resolved %(days)s days ago"),
    N_("Business hours “%(name)s” were changed"),
    N_("Service level “%(name)s” was changed"),
    N_("repeating a change that was undone"),
    N_("signed out everywhere else"),
    N_("The CSRF token has expired."),
    N_("The CSRF token is invalid."),
    N_("The CSRF token is missing."),
    N_("The CSRF session token is missing."),
    N_("The CSRF tokens do not match."),
)
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def why(reason: str | None) -> str | None:
    """Return the reason of a row as its reader understands it."""
    if reason is None:
        return None
    for message, pattern in _patterns():
        if found := pattern.fullmatch(reason):
            return gettext(
                message, **{name: _value(name, text) for name, text in found.groupdict().items()}
            )
    return reason


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((message, _pattern(message)) for message in OURS)


def _pattern(message: str) -> re.Pattern[str]:
    parts = _PLACEHOLDER.split(message)
    return re.compile(
        "".join(
            f"(?P<{part}>.+)" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        ),
        re.DOTALL,
    )


def _value(name: str, text: str) -> str:
    """Titles of pages and permissions are our words, too; what people named or typed is not."""
    typed = name in ("role", "reason", "request")
    return text if typed else ", ".join(gettext(title) for title in text.split(", "))
