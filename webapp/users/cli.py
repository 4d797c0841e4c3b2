"""`flask users …`: accounts from the command line."""

import sys

import click
from flask import current_app
from flask.cli import AppGroup
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from webapp.access import services as access
from webapp.access.seed_roles import complete_administrator
from webapp.core import database
from webapp.core.config import Settings
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.unit_of_work import unit_of_work
from webapp.users import passwords, schemas, services

cli = AppGroup("users", help="People and their accounts.")


@cli.command("create-admin")
@click.option("--email", prompt="E-mail address")
@click.option("--name", prompt=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create_admin(email: str, name: str, *, password_stdin: bool) -> None:
    """Create an account that holds the role Administrator everywhere, which then gives everything again."""
    address = _checked(TypeAdapter(schemas.Email), email)
    name = _checked(TypeAdapter(schemas.Name), name)
    password = _password(password_stdin=password_stdin)
    if problem := passwords.weakness(password, about=(name, *address.split("@"))):
        raise click.ClickException(problem)
    _prepare_database()
    try:
        with unit_of_work("system:create-admin"):
            role = complete_administrator()
            user = services.create(
                name=name, email=address, password_hash=passwords.hash_password(password)
            )
            access.assign_role(None, user_id=user.id, user_name=user.name, role=role)
    except DomainError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{name} may sign in as {address}.")


def _prepare_database() -> None:
    """Migrate first: this may be the first command that meets a new database."""
    settings: Settings = current_app.extensions["steward"]
    try:
        database.prepare(settings)
        with db.engine.connect() as connection:
            ready = database.is_migrated(connection)
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise click.ClickException(f"The database is not ready: {cause}") from error
    if not ready:
        raise click.ClickException("The owner has to run `flask db upgrade` first.")


def _checked(kind: TypeAdapter[str], value: str) -> str:
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise click.ClickException(f"{value!r}: {message}") from None


def _password(*, password_stdin: bool) -> str:
    if password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer
