"""The forms of people who are not signed in."""

from typing import ClassVar

from wtforms import EmailField, PasswordField

from webapp.core.forms import SchemaForm
from webapp.core.language import _
from webapp.users import schemas

NEW_PASSWORD = {"autocomplete": "new-password"}
PASSWORD_HINT = _("At least 12 characters. Several words that do not belong together are good.")  # nosec B105


class SignInForm(SchemaForm[schemas.SignIn]):
    """Who are you?"""

    schema: ClassVar = schemas.SignIn
    email = EmailField("E-mail address", render_kw={"autocomplete": "username", "autofocus": True})
    password = PasswordField("Password", render_kw={"autocomplete": "current-password"})


class NewPasswordForm(SchemaForm[schemas.NewPassword]):
    """Choose a password, by a link."""

    schema: ClassVar = schemas.NewPassword
    password = PasswordField("New password", description=PASSWORD_HINT, render_kw=NEW_PASSWORD)
    again = PasswordField("New password again", render_kw=NEW_PASSWORD)
