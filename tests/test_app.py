"""The app as a whole: it builds, it is guarded, and says whether it can work."""

import pytest
from flask import Flask

from tests import factories
from tests.pages import CheckedClient
from webapp.core import database, guards, templating
from webapp.core.config import Settings
from webapp.core.errors import UnguardedView, UnknownEndpoint


def test_health_and_readiness(client: CheckedClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    assert client.get("/readyz").get_json() == {"status": "ready"}


def test_a_real_sign_in_opens_the_dashboard(client: CheckedClient, app: Flask) -> None:
    user = factories.make_user()
    factories.grant(user, factories.make_role("dashboard"))
    sent = {"email": user.email, "password": factories.PASSWORD}
    assert client.post("/login", data=sent).status_code == 303
    assert client.get("/").status_code == 200


def test_an_unguarded_view_keeps_the_app_from_starting() -> None:
    bare = Flask("bare")
    bare.add_url_rule("/open", view_func=lambda: "hello")
    with pytest.raises(UnguardedView, match="/open"):
        guards.assert_all_views_guarded(bare)


def test_a_page_that_leads_nowhere_keeps_the_app_from_starting() -> None:
    with pytest.raises(UnknownEndpoint, match=r"audit \(audit.index\)"):
        templating.assert_pages_exist(Flask("bare"))


def test_a_role_that_could_go_around_the_log_is_refused(settings: Settings, app: Flask) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(settings.owner_url() or "")
    with engine.connect() as connection, pytest.raises(database.UnsafeRole, match="postgres"):
        database.assert_safe_role(connection)
    engine.dispose()
