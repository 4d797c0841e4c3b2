"""What people read beside the templates is Spanish, too: rules, refusals, the log, mails."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_babel
import pytest
from flask import Flask

from tests import factories
from tests.pages import CheckedClient
from webapp.audit.reasons import OURS
from webapp.audit.sentences import FIELDS, SIMPLE
from webapp.core.db import Model
from webapp.core.errors import DomainError
from webapp.core.forms import MESSAGES
from webapp.core.language import LANGUAGES, speaking
from webapp.core.object_types import THE
from webapp.users import mail

WEBAPP = Path(__file__).parents[2] / "webapp"
# Nobody reads these in a browser: the settings are checked, and commands run, in a terminal.
FOR_OPERATORS = {"core/config.py", "core/embedded_pg.py", "core/server.py", "core/system_user.py"}
SignIn = Callable[..., CheckedClient]


def _names_of(kind: type[BaseException]) -> set[str]:
    return {kind.__name__}.union(*(_names_of(one) for one in kind.__subclasses__()))


def _calls() -> Iterator[tuple[str, str, ast.expr]]:
    """Every call by name in the program: (file:line, function, first argument; a constant by its value)."""
    for path in sorted(WEBAPP.rglob("*.py")):
        name = path.relative_to(WEBAPP).as_posix()
        if name in FOR_OPERATORS or name.startswith("seed/") or name.endswith("cli.py"):
            continue
        tree = ast.parse(path.read_text())
        constants = {
            node.targets[0].id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                first = node.args[0]
                if isinstance(first, ast.Name):
                    first = constants.get(first.id, first)
                yield f"{name}:{node.lineno}", node.func.id, first


def _is_bare(node: ast.expr) -> bool:
    """Tell whether a text stands there that nobody translates."""
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_every_message_can_be_translated(app: Flask) -> None:
    spoken = _names_of(DomainError) | {"BadRequest", "flash"}
    bare = [
        where
        for where, function, said in _calls()
        if (function in spoken or (function == "ValueError" and "schemas.py" in where))
        and _is_bare(said)
        # What begins with a small letter is for programs: the view turns it into a 404.
        and not (isinstance(said, ast.Constant) and str(said.value)[:1].islower())
    ]
    assert bare == []


def test_what_is_declared_for_later_is_in_the_catalogue(app: Flask) -> None:
    declared = [*MESSAGES.values(), *FIELDS.values(), *SIMPLE.values(), *THE.values(), *OURS]
    with app.app_context(), speaking("es"):
        known = flask_babel.get_domain().get_translations()._catalog
    assert [text for text in declared if text not in known] == []


def test_the_log_knows_every_refusal() -> None:
    said = [
        message.args[0].value
        for _where, function, message in _calls()
        if function == "Denied"
        and isinstance(message, ast.Call)
        and isinstance(message.args[0], ast.Constant)
    ]
    assert len(said) > 10
    assert sorted(set(said) - set(OURS)) == []


def test_every_column_that_the_log_shows_has_a_name(app: Flask) -> None:
    columns = {
        column.key
        for mapper in Model.registry.mappers
        if hasattr(mapper.class_, "audit_ignored")
        for column in mapper.column_attrs
        if column.key not in mapper.class_.audit_ignored
    }
    assert sorted(columns - FIELDS.keys() - {"id", "created_at", "updated_at", "version"}) == []


@pytest.fixture
def ines(app: Flask) -> Any:
    return factories.make_user(name="Inés", locale="es")


def test_a_form_says_in_spanish_what_is_wrong(sign_in: SignIn, ines: Any) -> None:
    client = sign_in("users", "users.invite", user=ines)
    answer = client.post("/users/new", data={"name": "", "email": "nix"})
    assert answer.status_code == 422
    assert "Rellene este campo." in answer.text
    assert "Escriba una dirección completa" in answer.text
    assert "Fill this in" not in answer.text
    taken = client.post("/users/new", data={"name": "Otra", "email": ines.email})
    assert "Ya hay una cuenta con esta dirección." in taken.text


def test_a_refusal_is_spanish_for_its_reader_and_english_in_the_log(
    sign_in: SignIn, ines: Any, audit_rows: Callable[..., list[dict[str, Any]]]
) -> None:
    page = sign_in("dashboard", user=ines).get("/users")
    assert page.status_code == 403
    assert "Ninguno de sus roles abre la página «Personas»." in page.text
    assert "Ver quién tiene cuenta" in page.text
    (row,) = [one for one in audit_rows(action="access.denied") if one["actor_id"] == ines.id]
    assert row["reason"] == "None of your roles opens the page “People”."

    client = sign_in("audit", user=ines)
    log = client.get("/audit", query_string={"actor": ines.id}).text
    assert "recibió un rechazo: Personas" in log
    assert "Ninguno de sus roles abre la página «Personas»." in log
    assert "None of your" not in log
    assert "Cualquier resultado" in log
    assert "Any outcome" not in log
    assert "inicio de sesión" in log.lower()


def test_what_is_not_there_is_said_in_spanish(sign_in: SignIn, ines: Any) -> None:
    client = sign_in("users", user=ines)
    english = {"Accept-Language": "en"}
    assert "Aquí no hay nada" in client.get("/nowhere", headers=english).text
    assert "no se puede ordenar así" in client.get("/users?sort=nothing", headers=english).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_is_written_in_the_language_of_whom_it_goes_to(app: Flask, language: str) -> None:
    with app.app_context(), speaking(language):
        subject, body = mail.invitation(name="Inés", inviter="Ana", link="https://x")
    start = {"en": ("Your invitation", "Hello Inés,"), "es": ("Su invitación", "Hola, Inés:")}
    assert subject.startswith(start[language][0])
    assert body.startswith(start[language][1])
