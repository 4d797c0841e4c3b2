"""The filters of the pages of access: what may be chosen, grouped as people know it."""

from webapp.core import registry

Group = tuple[str, list[registry.Entry]]


def key_groups() -> list[Group]:
    """Return pages and permissions to choose from, by kind and section."""
    pages = registry.sections(registry.PAGES)
    permissions = registry.sections(registry.PERMISSIONS)
    return [
        *((f"Pages: {section}", entries) for section, entries in pages.items()),
        *((f"Permissions: {section}", entries) for section, entries in permissions.items()),
    ]


ROUTE_KINDS = (
    ("", "Any rule"),
    ("page", "Page"),
    ("signed in", "Signed in"),
    ("public", "Public"),
)
