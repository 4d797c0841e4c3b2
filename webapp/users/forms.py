"""The forms about people."""

from typing import ClassVar

from wtforms import (
    BooleanField,
    EmailField,
    IntegerField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.widgets import HiddenInput

from webapp.core.forms import SchemaForm
from webapp.users import schemas
from webapp.users.auth_forms import NEW_PASSWORD, PASSWORD_HINT

LOCALES = [SelectChoice(key, name) for key, name in schemas.LOCALES.items()]
Roles = list[tuple[int, str]]
Places = dict[str, list[tuple[str, str]]]
ROLE_HINT = "Only roles that give no more than you hold yourself can be given."


def _zones() -> list[SelectChoice]:
    return [SelectChoice(zone, zone.replace("_", " ")) for zone in schemas.timezones()]


def _roles(nothing: str, roles: Roles) -> list[SelectChoice]:
    return [SelectChoice("", nothing), *(SelectChoice(str(key), name) for key, name in roles)]


def _places(groups: Places) -> list[SelectChoice]:
    return [
        SelectChoice(key, name, optgroup=title)
        for title, places in groups.items()
        for key, name in places
    ]


def _reason(hint: str = "Kept in the audit log.") -> TextAreaField:
    return TextAreaField("Reason", description=hint, render_kw={"rows": 2})


class ReasonForm(SchemaForm[schemas.Because]):
    """Why?"""

    schema: ClassVar = schemas.Because
    reason = _reason()


class RoleForm(SchemaForm[schemas.GiveRole]):
    """A role, where it holds, and why."""

    schema: ClassVar = schemas.GiveRole
    role_id = SelectField("Role", validate_choice=False, description=ROLE_HINT)
    scope = SelectField("Where", validate_choice=False, default="everywhere")
    reason = _reason()

    def offer(self, roles: Roles, places: Places) -> None:
        """Fill the lists to choose from."""
        self.role_id.choices = _roles("Choose a role", roles)
        self.scope.choices = _places(places)


class InviteForm(SchemaForm[schemas.Invite]):
    """A new colleague."""

    schema: ClassVar = schemas.Invite
    name = StringField("Name", render_kw={"autocomplete": "off", "autofocus": True})
    email = EmailField("E-mail address", render_kw={"autocomplete": "off"})
    role_id = SelectField("First role", validate_choice=False, default="", description=ROLE_HINT)
    scope = SelectField("Where", validate_choice=False, default="everywhere")

    def offer(self, roles: Roles, places: Places) -> None:
        """Fill the lists to choose from."""
        self.role_id.choices = _roles("None for now", roles)
        self.scope.choices = _places(places)


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
    timezone = SelectField("Time zone", choices=_zones, validate_choice=False)
    version = IntegerField(widget=HiddenInput())


class DeactivateManyForm(SchemaForm[schemas.DeactivateMany]):
    """The people to shut out, and why."""

    schema: ClassVar = schemas.DeactivateMany
    ids = SelectMultipleField("People", coerce=int, validate_choice=False)
    reason = _reason()


class ProfileForm(SchemaForm[schemas.Profile]):
    """What people say about themselves."""

    schema: ClassVar = schemas.Profile
    name = StringField("Name", render_kw={"autocomplete": "name"})
    locale = SelectField("Language", choices=LOCALES, validate_choice=False)
    timezone = SelectField("Time zone", choices=_zones, validate_choice=False)


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
