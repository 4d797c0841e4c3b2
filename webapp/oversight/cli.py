"""`flask audit export`: what the page does, for whoever runs the server."""

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import urlencode

import click
from flask.cli import with_appcontext
from sqlalchemy import text

from webapp.audit.cli import cli
from webapp.audit.signing import ProofError
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.unit_of_work import unit_of_work
from webapp.oversight import export_sentences as _sentences  # noqa: F401 - teaches the log
from webapp.oversight import export_tasks, exporting
from webapp.oversight.models import FORMATS


@cli.command("export")
@click.option("--format", "kind", type=click.Choice(FORMATS), default="bundle", show_default=True)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--timezone", default="UTC", show_default=True, help="What days and hours mean.")
@click.argument("filters", nargs=-1)
@with_appcontext
def export(kind: str, out: Path, timezone: str, filters: tuple[str, ...]) -> None:
    """Write a search of the log into a file that is not there yet.

    FILTERS are those of the page's address, such as category=export period=30; none: the whole log.
    """
    query = urlencode([one.partition("=")[::2] for one in filters])
    try:
        with unit_of_work("system:export"), out.open("xb+") as file:
            rows = _write(file, kind, timezone, query)
    except FileExistsError as error:
        raise click.ClickException(f"{out} exists already.") from error
    except BaseException as error:
        with suppress(FileNotFoundError):
            out.unlink()
        if isinstance(error, DomainError | ProofError):
            raise click.ClickException(str(error)) from error
        raise
    click.echo(f"Wrote {rows} rows to {out}.")


def _write(file: IO[bytes], kind: str, timezone: str, query: str) -> int:
    db.session.execute(text("SET LOCAL statement_timeout = 0"))
    db.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    taking = export_tasks.Taking(
        query=query, who=None, timezone=timezone, now=datetime.now(UTC), tell=lambda *_: None
    )
    rows = export_tasks.write(file, kind, taking, settings=exporting.settings())
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    said = {"format": kind, "rows": rows, "sha256": digest} | ({"filter": query} if query else {})
    trail.note("audit.evidence_written", category="export", changes=said)
    return rows
