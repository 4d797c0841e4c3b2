"""The forms about people."""

from collections.abc import Iterable
from typing import ClassVar

from flask import url_for
from markupsafe import Markup
from wtforms import (
    BooleanField,
    EmailField,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.widgets import HiddenInput

from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import _
from webapp.core.pickers import PickerField
from webapp.users import schemas
from webapp.users.auth_forms import NEW_PASSWORD, PASSWORD_HINT

LOCALES = [SelectChoice(key, name) for key, name in schemas.LOCALES.items()]
Roles = Iterable[tuple[int, str]]
ROLE_HINT = _("Only roles that give no more than you hold yourself can be given.")


class ZoneField(PickerField):
    """A time zone; there are hundreds."""

    def __call__(self, **kwargs: object) -> Markup:
        """Draw the zone by the name that people read."""
        known = self.value in schemas.timezones()
        name = schemas.zone_name(self.value) if known else None
        self.offer(url_for("account.pick_zone"), present=name)
        return super().__call__(**kwargs)


def _roles(nothing: str, can: Roles, cannot: Roles) -> list[SelectChoice]:
    """Return the roles to choose from; those that may not be given stay in sight, with the reason."""
    above = str(_("Give more than you hold"))
    return [
        SelectChoice("", str(nothing)),
        *(SelectChoice(str(key), name) for key, name in can),
        *(SelectChoice(str(key), name, {"disabled": True}, above) for key, name in cannot),
    ]


def _reason(hint: str = _("Kept in the audit log.")) -> TextAreaField:
    return TextAreaField("Reason", description=hint, render_kw={"rows": 2})


class ReasonForm(SchemaForm[schemas.Because]):
    """Why?"""

    schema: ClassVar = schemas.Because
    reason = _reason()


class RestoreForm(SchemaForm[schemas.Because]):
    """Why? On a page that has another form with a reason."""

    schema: ClassVar = schemas.Because
    reason = TextAreaField(
        "Reason",
        id="restore-reason",
        description=_("Kept in the audit log."),
        render_kw={"rows": 2},
    )


class RoleForm(SchemaForm[schemas.GiveRole]):
    """A role, where it holds, and why."""

    schema: ClassVar = schemas.GiveRole
    role_id = SelectField("Role", validate_choice=False, description=ROLE_HINT)
    scope = PickerField("Where", default="everywhere")
    reason = _reason()

    def offer(self, can: Roles, cannot: Roles) -> None:
        """Fill the list of roles: those that may be given, and the others."""
        self.role_id.choices = _roles(_("Choose a role"), can, cannot)


class InviteForm(SchemaForm[schemas.Invite]):
    """A new colleague."""

    schema: ClassVar = schemas.Invite
    name = StringField("Name", render_kw={"autocomplete": "off", "autofocus": True})
    email = EmailField("E-mail address", render_kw={"autocomplete": "off"})
    role_id = SelectField("First role", validate_choice=False, default="", description=ROLE_HINT)
    scope = PickerField("Where", default="everywhere")

    def offer(self, can: Roles, cannot: Roles) -> None:
        """Fill the list of roles: those that may be given, and the others."""
        self.role_id.choices = _roles(_("None for now"), can, cannot)


class EditForm(SchemaForm[schemas.EditPerson]):
    """What may be changed about somebody."""

    schema: ClassVar = schemas.EditPerson
    name = StringField("Name", render_kw={"autocomplete": "off"})
    email = EmailField(
        "E-mail address",
        description="A new address ends every session of this person.",
        render_kw={"autocomplete": "off"},
    )
    locale = SelectField("Language", choices=LOCALES, validate_choice=False)
    timezone = ZoneField("Time zone")
    version = IntegerField(widget=HiddenInput())


class DeactivateManyForm(SchemaForm[schemas.DeactivateMany]):
    """The people to shut out, and why."""

    schema: ClassVar = schemas.DeactivateMany
    ids = SelectMultipleField("People", coerce=int, validate_choice=False, default=[])
    matching = HiddenField(filters=[lambda typed: typed or None])
    seen = HiddenField(default="")
    reason = _reason()


class ProfileForm(SchemaForm[schemas.Profile]):
    """What people say about themselves."""

    schema: ClassVar = schemas.Profile
    name = StringField("Name", render_kw={"autocomplete": "name"})
    locale = SelectField("Language", choices=LOCALES, validate_choice=False)
    timezone = ZoneField("Time zone")


class PasswordForm(SchemaForm[schemas.ChangePassword]):
    """The password so far, and a new one."""

    schema: ClassVar = schemas.ChangePassword
    current = PasswordField("Current password", render_kw={"autocomplete": "current-password"})
    password = PasswordField("New password", description=PASSWORD_HINT, render_kw=NEW_PASSWORD)
    again = PasswordField("New password again", render_kw=NEW_PASSWORD)
    end_others = BooleanField("Sign out everywhere else", default=True)


class ThemeForm(SchemaForm[schemas.ChooseTheme]):
    """How pages shall look."""

    schema: ClassVar = schemas.ChooseTheme
    theme = StringField("Theme")
