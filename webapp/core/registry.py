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
        "tickets",
        "Tickets",
        "Work",
        "Triage, answer and solve what people ask for and what is broken.",
        "tickets.index",
        "inbox",
    ),
    Entry(
        "tickets.desk",
        "Support desk",
        "Work",
        "See how the desk works: teams, service levels, business hours, workflow, canned replies.",
        "tickets.desk",
        "headset",
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
        "assets",
        "Assets",
        "Work",
        "Find what the organisation looks after: where it lies, who has it, what it is.",
        "assets.index",
        "package",
    ),
    Entry(
        "assets.types",
        "Asset types",
        "Work",
        "See the kinds of assets and the attributes that each has.",
        "assets.types",
        "category",
    ),
    Entry(
        "assets.import",
        "Import assets",
        "Work",
        "Bring assets in from a file, after a dry run.",
        "assets.imports",
        "upload",
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
    Entry(
        "jobs",
        "Jobs",
        "Oversight",
        "See the work that runs beside the requests, and what became of it.",
        "jobs.index",
        "progress",
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
    Entry(
        "assets.edit",
        "Edit assets",
        "Work",
        "Add, change and move assets, change their status, and their files.",
    ),
    Entry("assets.archive", "Archive assets", "Work", "Archive assets and restore them."),
    Entry(
        "assets.custody",
        "Check assets out",
        "Work",
        "Check assets out to people and places, extend that, and check them in.",
    ),
    Entry(
        "assets.configure",
        "Edit asset types",
        "Work",
        "Change types of assets and their attributes.",
    ),
    Entry("assets.apply_import", "Apply imports", "Work", "Apply an import to the register."),
    Entry("assets.export", "Export assets", "Work", "Take the register away as a file."),
    Entry("tickets.create", "Open tickets", "Work", "Open tickets for whoever asks."),
    Entry(
        "tickets.edit",
        "Edit tickets",
        "Work",
        "Change status, priority, tags, place and asset of tickets, and write down time.",
    ),
    Entry("tickets.reply", "Answer tickets", "Work", "Write replies and internal notes."),
    Entry("tickets.assign", "Assign tickets", "Work", "Give tickets to people and teams."),
    Entry(
        "tickets.merge",
        "Merge and split tickets",
        "Work",
        "Merge tickets, split and link them, and undo that.",
    ),
    Entry("tickets.export", "Export tickets", "Work", "Take the list of tickets away as a file."),
    Entry(
        "tickets.configure",
        "Run the support desk",
        "Work",
        "Change teams, rota, service levels, business hours, workflow and shared replies.",
    ),
    Entry(
        "audit.undo",
        "Undo changes",
        "Oversight",
        "Take back what the log shows, where the person may make such a change themselves.",
    ),
    Entry("audit.export", "Export the log", "Oversight", "Take rows of the log away as a file."),
    Entry(
        "audit.verify",
        "Check the log",
        "Oversight",
        "Have the seals of the log checked, and the log with them.",
    ),
    Entry("jobs.retry", "Retry jobs", "Oversight", "Have a failed job tried again."),
    Entry("views.share", "Share saved views", "Work", "Offer one's own saved views to everybody."),
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
        ("dashboard", "tickets", "tickets.desk", "organisation", "assets", "users"),
        (
            "tickets.create",
            "tickets.edit",
            "tickets.reply",
            "tickets.assign",
            "tickets.merge",
            "tickets.export",
            "tickets.configure",
            "views.share",
        ),
    ),
    "Support agent": (
        "Answers tickets.",
        ("dashboard", "tickets", "tickets.desk", "organisation", "assets"),
        (
            "tickets.create",
            "tickets.edit",
            "tickets.reply",
            "tickets.assign",
            "tickets.merge",
        ),
    ),
    "Asset manager": (
        "Keeps the tree of locations, clients and projects, and the assets in it.",
        ("dashboard", "tickets", "organisation", "assets", "assets.types", "assets.import"),
        (
            "tickets.create",
            "organisation.edit",
            "organisation.delete",
            "assets.edit",
            "assets.archive",
            "assets.custody",
            "assets.configure",
            "assets.apply_import",
            "assets.export",
            "views.share",
        ),
    ),
    "Technician": (
        "Services what the organisation looks after.",
        ("dashboard", "tickets", "organisation", "assets"),
        ("tickets.create", "tickets.edit", "tickets.reply", "assets.edit", "assets.custody"),
    ),
    "Auditor": (
        "Reads the log and everything in scope, changes nothing.",
        _ALL_PAGES,
        ("audit.export", "audit.verify"),
    ),
}
