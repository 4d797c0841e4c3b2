"""An app with a database of its own: for what depends on all that a log holds."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg.rows import dict_row
from pydantic import SecretStr

from tests import factories
from tests.conftest import SECRET, dsn, empty
from tests.pages import CheckedClient
from webapp import create_app
from webapp.core.config import Settings
from webapp.core.db import db
from webapp.core.security import limiter

Owner = psycopg.Connection[dict[str, Any]]


@pytest.fixture(scope="module")
def settings(
    migrated_database: Callable[[str], str], tmp_path_factory: Any, request: Any
) -> Settings:
    """A log of our own: what is sealed stays so, and plans go by what is there."""
    name = request.module.__name__.rpartition(".")[2]
    return Settings(
        database_url=migrated_database(name),
        secret_key=SecretStr(SECRET),
        data_dir=tmp_path_factory.mktemp(name),
        log_level="CRITICAL",
    )


@pytest.fixture(scope="module")
def _own_app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    app.config.update(WTF_CSRF_ENABLED=False)
    app.test_client_class = CheckedClient
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(_own_app: Flask) -> Iterator[Flask]:
    before, limiter.enabled = factories.use(_own_app), False
    yield _own_app
    factories.use(before)


@pytest.fixture
def owner(app: Flask, settings: Settings) -> Iterator[Owner]:
    url = dsn(settings.owner_url() or "")
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        yield connection
        empty(connection)
