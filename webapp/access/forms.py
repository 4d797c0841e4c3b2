"""The filters of the pages of access: what may be chosen, grouped as people know it."""

from wtforms import Form

from webapp.core import registry
from webapp.core.language import _
from webapp.core.pickers import PickerField

Group = tuple[str, list[registry.Entry]]


def key_groups() -> list[Group]:
    """Return pages and permissions to choose from, by kind and section."""
    pages = registry.sections(registry.PAGES)
    permissions = registry.sections(registry.PERMISSIONS)
    return [
        *(
            (_("Pages: %(section)s", section=section), entries)
            for section, entries in pages.items()
        ),
        *(
            (_("Permissions: %(section)s", section=section), entries)
            for section, entries in permissions.items()
        ),
    ]


class WhoAndWhere(Form):
    """The person and the place of a question; a GET form, so it has no token."""

    person = PickerField("Person")
    object = PickerField("Place")


ROUTE_KINDS = (
    ("", _("Any rule")),
    ("page", _("Page")),
    ("signed in", _("Signed in")),
    ("public", _("Public")),
)
