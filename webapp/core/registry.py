"""Every page and permission there is: one entry each, declared here, granted as data."""

from dataclasses import dataclass

from webapp.core.language import _


@dataclass(frozen=True, slots=True)
class Entry:
    """A page or a permission: its key, its title, its section, and what it is for in a sentence."""

    key: str
    title: str
    section: str
    sentence: str
    endpoint: str | None = None
    icon: str = "list"

    def __post_init__(self) -> None:
        """Have the words shown in the reader's language, wherever a page shows them."""
        for name in ("title", "section", "sentence"):
            object.__setattr__(self, name, _(getattr(self, name)))


PAGES: tuple[Entry, ...] = (
    Entry(
        "dashboard",
        "Dashboard",
        "Work",
        "See what happened lately and what needs attention.",
        "dashboard.index",
        "home",
    ),
    Entry(
        "organisation",
        "Organisation",
        "Work",
        "See locations, clients and projects within the person's scope.",
        "organisation.index",
        "sitemap",
    ),
    Entry(
        "users",
        "People",
        "Access",
        "See who has an account, what each may do, and why.",
        "users.index",
        "users",
    ),
    Entry("roles", "Roles", "Access", "See every role and what it opens.", "roles.index", "shield"),
    Entry(
        "access.explain",
        "Explain access",
        "Access",
        "Find out why a person can or cannot open or do something.",
        "access.explain",
        "help",
    ),
    Entry(
        "access.routes",
        "Routes",
        "Access",
        "See every address of the app with the rule that guards it.",
        "access.routes",
        "route",
    ),
    Entry(
        "audit",
        "Audit log",
        "Oversight",
        "Read who did what, when and from where.",
        "audit.index",
        "history",
    ),
)

PERMISSIONS: tuple[Entry, ...] = (
    Entry(
        "organisation.edit",
        "Edit the organisation",
        "Work",
        "Add, change and move locations, clients and projects.",
    ),
    Entry(
        "organisation.delete",
        "Delete and restore",
        "Work",
        "Delete locations, clients and projects, and restore them.",
    ),
    Entry("users.invite", "Invite people", "Access", "Create accounts and send invitations."),
    Entry(
        "users.edit",
        "Edit people",
        "Access",
        "Change a person's name, address, language and time zone.",
    ),
    Entry(
        "users.deactivate",
        "Deactivate and restore people",
        "Access",
        "Shut a person out at once, and let them in again.",
    ),
    Entry(
        "users.reset_password",
        "Reset passwords",
        "Access",
        "Send a person a link to choose a new password.",
    ),
    Entry("users.end_sessions", "End sessions", "Access", "Sign a person out of a browser."),
    Entry("users.export", "Export people", "Access", "Take the list of people away as a CSV file."),
    Entry(
        "roles.assign",
        "Give and take roles",
        "Access",
        "Give people roles that do not exceed one's own, and take them away.",
    ),
    Entry("roles.edit", "Edit roles", "Access", "Create, copy, change and delete roles."),
)

PAGE_BY_KEY = {entry.key: entry for entry in PAGES}
PERMISSION_BY_KEY = {entry.key: entry for entry in PERMISSIONS}


def find_entry(key: str) -> Entry | None:
    """Return the page or permission called ``key``."""
    return PAGE_BY_KEY.get(key) or PERMISSION_BY_KEY.get(key)


def sections(entries: tuple[Entry, ...]) -> dict[str, list[Entry]]:
    """Group ``entries`` by section, in the order of declaration."""
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.section, []).append(entry)
    return grouped


# The roles that a new installation starts with: description, pages, permissions.
_ALL_PAGES = tuple(PAGE_BY_KEY)
SEED_ROLES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "Administrator": (
        "Manages people, roles and everything else.",
        _ALL_PAGES,
        tuple(PERMISSION_BY_KEY),
    ),
    "Support lead": (
        "Leads the support desk and knows its people.",
        ("dashboard", "organisation", "users"),
        (),
    ),
    "Support agent": ("Answers tickets.", ("dashboard", "organisation"), ()),
    "Asset manager": (
        "Keeps the tree of locations, clients and projects.",
        ("dashboard", "organisation"),
        ("organisation.edit", "organisation.delete"),
    ),
    "Technician": (
        "Services what the organisation looks after.",
        ("dashboard", "organisation"),
        (),
    ),
    "Auditor": ("Reads the log and everything in scope, changes nothing.", _ALL_PAGES, ()),
}
