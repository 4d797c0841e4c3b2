"""Migrations go up from nothing and down again, and say what the models say."""

from collections.abc import Callable

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.conftest import dsn
from webapp.core.config import Settings
from webapp.core.database import MIGRATIONS


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def test_each_goes_up_and_down_and_up_again(
    new_database: Callable[[str], str], settings: Settings
) -> None:
    # `settings` has prepared the server: its roles exist.
    url = new_database("migrations")
    config = _config(url)
    steps = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())
    for _ in steps:
        command.upgrade(config, "+1")
    for _ in steps:
        command.downgrade(config, "-1")
    with psycopg.connect(dsn(url)) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND relname <> 'alembic_version'"
        ).fetchall()
    assert left == []
    command.upgrade(config, "head")
    command.check(config)
