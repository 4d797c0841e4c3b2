"""The forms of roles."""

from typing import ClassVar

from wtforms import HiddenField, SelectMultipleField, StringField, TextAreaField

from webapp.core import registry
from webapp.core.forms import SchemaForm
from webapp.core.language import _
from webapp.roles import schemas


class RoleForm(SchemaForm[schemas.RoleDraft]):
    """Name, description, and a box for each page and permission."""

    schema: ClassVar = schemas.RoleDraft
    name = StringField("Name", default="")
    description = TextAreaField("Description", default="", render_kw={"rows": 2})
    keys = SelectMultipleField(
        "Pages and permissions", choices=[], validate_choice=False, default=[]
    )


class EditRoleForm(SchemaForm[schemas.EditRole]):
    """The same with version, step and reason."""

    schema: ClassVar = schemas.EditRole
    name = StringField("Name", default="")
    description = TextAreaField("Description", default="", render_kw={"rows": 2})
    keys = SelectMultipleField(
        "Pages and permissions", choices=[], validate_choice=False, default=[]
    )
    version = HiddenField()
    step = HiddenField(default="preview")
    reason = TextAreaField("Reason", default="", render_kw={"rows": 2})


class DeleteRoleForm(SchemaForm[schemas.DeleteRole]):
    """Why?"""

    schema: ClassVar = schemas.DeleteRole
    reason = TextAreaField(
        "Reason", default="", description="Kept in the audit log.", render_kw={"rows": 2}
    )


def matrix() -> list[tuple[str, str, list[registry.Entry]]]:
    """Return what a role can give: rows (section, kind, entries)."""
    pages = registry.sections(registry.PAGES)
    permissions = registry.sections(registry.PERMISSIONS)
    rows: list[tuple[str, str, list[registry.Entry]]] = []
    for section in {**pages, **permissions}:
        if section in pages:
            rows.append((section, _("Pages"), pages[section]))
        if section in permissions:
            rows.append((section, _("Permissions"), permissions[section]))
    return rows
