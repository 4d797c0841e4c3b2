"""Run migrations as the owner of the schema, with limits on locks and statements."""

from alembic import context
from flask import current_app, has_app_context
from sqlalchemy import create_engine, text
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.pool import NullPool

import webapp  # noqa: F401 - declares every model
from webapp.audit.models import XID8
from webapp.core import database
from webapp.core.db import db

# Reflection does not know this type by itself.
ischema_names["xid8"] = XID8


def include_object(obj, name, type_, reflected, compare_to):
    """Leave out the partitions, which a function makes, and the queue, which is procrastinate's."""
    return not (type_ == "table" and name.startswith(("audit_event_", "procrastinate_")))


def owner_url() -> str:
    """Take the address from the caller, or from the app that runs `flask db`."""
    url = context.config.attributes.get("url")
    if url is None and has_app_context():
        settings = current_app.extensions["steward"]
        url = settings.owner_url()
        if url is not None:
            database.bootstrap(settings)
    if url is None:
        raise SystemExit("Set DATABASE_OWNER_URL: migrations run as the owner of the schema.")
    return url


def run() -> None:
    """Migrate in one transaction."""
    engine = create_engine(owner_url(), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.execute(text("SET statement_timeout = '10min'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_object=include_object,
            compare_type=True,
            compare_server_default=False,
        )
        with context.begin_transaction():
            context.run_migrations()
            database.settle(connection)
    engine.dispose()


run()
