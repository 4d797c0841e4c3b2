"""`flask audit …`: months, seals, checks."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import psycopg
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from webapp.audit import checkpoints, retiring, sealing, signing, verifying
from webapp.audit.signing import ProofError
from webapp.core import trail
from webapp.core.config import Settings
from webapp.core.unit_of_work import unit_of_work

cli = AppGroup("audit", help="The log.")

_PARTITIONS = text(
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_event'::regclass"
)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@contextmanager
def _said() -> Iterator[None]:
    """Show what the rules refuse as an error of the command."""
    try:
        yield
    except ProofError as error:
        raise click.ClickException(str(error)) from error


def _settings() -> Settings:
    settings: Settings = current_app.extensions["steward"]
    return settings


def _owner_url() -> str:
    owner = _settings().owner_url()
    if owner is None:
        raise click.ClickException("Set DATABASE_OWNER_URL: only the owner may do this.")
    return owner


@contextmanager
def _owner() -> Iterator[psycopg.Connection[Any]]:
    dsn = make_url(_owner_url()).set(drivername="postgresql")
    with psycopg.connect(dsn.render_as_string(hide_password=False), autocommit=True) as owner:
        yield owner


@cli.command("partitions")
@click.option("--ahead", default=13, show_default=True, type=click.IntRange(0, 120))
def partitions(ahead: int) -> None:
    """Make the months of the log ahead of time; run it each month."""
    engine = create_engine(_owner_url(), poolclass=NullPool)
    with engine.begin() as connection:
        before = set(connection.scalars(_PARTITIONS))
        connection.execute(text("SELECT audit_add_months(:ahead)"), {"ahead": ahead})
        made = sorted(set(connection.scalars(_PARTITIONS)) - before)
    engine.dispose()
    for name in made:
        click.echo(f"made {name}")
    if not made:
        click.echo(f"Nothing to do: {len(before)} months are there.")


@cli.command("seal")
@click.option("--new-key", is_flag=True, help="The key was replaced on purpose: go on with it.")
def seal(new_key: bool) -> None:
    """Seal what was written since the last seal; the worker does it each minute."""
    settings = _settings()
    with _said(), sealing.connect(settings) as connection:
        key = sealing.load_key(settings.seal_key, create=True)
        before = sealing.head(connection)
        rows = sealing.seal(connection, key, new_key=new_key)
        if new_key and before is not None:
            signing.trust_also(settings.seal_key, before.public_key)
        head = sealing.head(connection)
    click.echo(f"Sealed {rows} rows." + (f" The last seal is {head.id}." if head else ""))


@cli.command("public-key")
def public_key() -> None:
    """Print the key by which others check seals and bundles; the private one stays where it is."""
    with _said():
        click.echo(sealing.public_key(_settings().seal_key).hex())


@cli.command("verify")
@click.option("--from", "since", help="A seal's number, or a day (2026-03-01).")
@click.option("--to", "until", help="A seal's number, or a day; included.")
@click.option("--checkpoints", "path", type=_FILE, help="Heads kept elsewhere, as JSON lines.")
@click.option("--public-key", "keys", type=_FILE, multiple=True, help="Who must have signed.")
@click.option("--quiet", is_flag=True, help="Say only what is wrong.")
def verify(
    since: str | None, until: str | None, path: Path | None, keys: tuple[Path, ...], quiet: bool
) -> None:
    """Check the log against its seals: exit 1 and name the first wrong row or gap."""
    settings, started = _settings(), datetime.now(UTC)
    with _said(), sealing.connect(settings) as connection:
        heads = _heads(settings, path)
        with _progress(quiet) as told:
            report = verifying.verify(
                connection,
                first=_seal_number(connection, since, until=False),
                last=_seal_number(connection, until, until=True),
                heads=heads,
                trusted=_trusted(settings, keys),
                told=told,
            )
        verifying.keep(
            connection, report, asked_by="command", started_at=started, checkpoints=len(heads)
        )
    _print(report, len(heads), (datetime.now(UTC) - started).total_seconds(), quiet=quiet)
    if not report.ok:
        raise SystemExit(1)


def _print(report: verifying.Report, heads: int, seconds: float, *, quiet: bool) -> None:
    for finding in report.findings:
        click.echo(finding.words)
    if not report.ok:
        click.echo(f"The log is not what was sealed: {len(report.findings)} findings.", err=True)
    elif not quiet:
        click.echo(
            f"Nothing wrong: {report.rows} rows under {report.seals} seals, compared with {heads} checkpoints,"
            f" in {seconds:.1f} s ({report.rows / max(seconds, 0.001):,.0f} rows/s)."
            f" {report.unsealed} rows wait for the next seal."
        )


def _heads(settings: Settings, path: Path | None) -> dict[int, bytes]:
    if path is None:
        path = settings.checkpoints
        if not path.exists():
            return {}
    return checkpoints.read(path)


def _trusted(settings: Settings, keys: tuple[Path, ...]) -> frozenset[bytes]:
    if keys:
        return frozenset(map(sealing.public_key, keys))
    if not settings.seal_key.exists():
        click.echo("No key is at hand: signatures are checked, but not whose they are.", err=True)
        return frozenset()
    return signing.trusted_keys(settings.seal_key)


def _seal_number(connection: sealing.Connection, asked: str | None, *, until: bool) -> int | None:
    if asked is None:
        return None
    if asked.isdecimal():
        head = sealing.head(connection)
        if not until and head and int(asked) > head.id:
            raise click.ClickException(f"The last seal is {head.id}.")
        return int(asked)
    try:
        day = datetime.strptime(asked, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise click.BadParameter(f"{asked} is no number of a seal and no day.") from None
    if until:
        day = day.replace(hour=23, minute=59, second=59, microsecond=999999)
    found = verifying.seal_at(connection, day, until=until)
    if found is None:
        raise click.ClickException(f"No seal was made {'up to' if until else 'since'} {asked}.")
    return found


@contextmanager
def _progress(quiet: bool) -> Iterator[verifying.Told | None]:
    bars: list[Any] = []  # how long it gets is told with the first step

    def told(done: int, of: int) -> None:
        if not bars:
            bars.append(click.progressbar(length=max(of, 1), label="Checking", file=sys.stderr))
            bars[0].render_progress()
        bars[0].update(done - bars[0].pos)

    try:
        yield None if quiet else told
    finally:
        for bar in bars:
            bar.render_finish()


@cli.command("retire")
@click.argument("month")
@click.option("--export", required=True, type=_FILE, help="A bundle that holds the whole month.")
@click.option("--drop", is_flag=True, help="Drop its rows at once; else they are put aside.")
def retire(month: str, export: Path, drop: bool) -> None:
    """Take a month (2025-03) out of the log; a signed seal says so for ever."""
    if not re.fullmatch(r"\d{4}-\d{2}", month) or not retiring.is_month(month):
        raise click.BadParameter(f"{month} is no month, as 2025-03 is.")
    settings = _settings()
    with _said(), _owner() as owner:
        with sealing.connect(settings) as connection:
            key = sealing.load_key(settings.seal_key)
            made = retiring.retire(connection, key, month, export)
        left = retiring.take_out(owner, month, drop=drop)
    with unit_of_work("system:audit retire"):
        trail.note("audit.retired", category="system", changes={"month": month, "rows": made.rows})
    click.echo(f"Seal {made.id} says that {month} was taken out: {made.rows} rows.")
    if left:
        click.echo(f"They lie in the table {left}, which nobody but the owner may read or drop.")


@cli.command("epoch")
@click.confirmation_option(
    prompt="Was the database restored into a new cluster, and does nobody work with it yet?"
)
def epoch() -> None:
    """Begin a new epoch after a restore, before anybody works: transaction ids begin anew there."""
    with _said(), _owner() as owner:
        number = retiring.raise_epoch(owner)
    with unit_of_work("system:audit epoch"):
        trail.note("audit.epoch_raised", category="system", changes={"epoch": number})
    click.echo(f"New rows are of epoch {number}.")
