"""What an error page tells, and what it needs for that."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests import factories

SPANISH = {"Accept-Language": "es-ES,es;q=0.9"}


def test_a_refusal_names_the_places_of_the_persons_roles(sign_in: Any) -> None:
    place = factories.make_client(name="Harbour Logistics")
    refused = sign_in("organisation", client_id=place.id).get("/users")
    assert refused.status_code == 403
    assert "in Harbour Logistics" in refused.text


def _no_database(_: str) -> None:
    raise OperationalError("SELECT 1", {}, Exception("the connection is lost"))


def test_without_a_database_the_page_speaks_the_browsers_language(
    sign_in: Any, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in("users")
    monkeypatch.setattr(app.login_manager, "_user_callback", _no_database)  # type: ignore[attr-defined]
    away = client.get("/users", headers=SPANISH)
    assert away.status_code == 503
    assert '<html lang="es" data-theme="system"' in away.text
    toast = client.get("/users", headers={"HX-Request": "true"})
    assert toast.status_code == 503
    assert "The database does not answer just now." in toast.text
