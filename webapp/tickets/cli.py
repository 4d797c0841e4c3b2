"""`flask tickets …`: bring in the history of another service desk."""

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from flask.cli import AppGroup

from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.unit_of_work import unit_of_work
from webapp.tickets.importing.runs import Import, Report

cli = AppGroup("tickets", help="Tickets.")
ACTOR = "system:import-log"


@cli.command("import-log")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--client", "code", help="Code of the client whose tickets these are; else IMPORTED.")
@click.option(
    "--zone", default="UTC", show_default=True, help="Time zone of the log, like Europe/Madrid."
)
@click.option("--dry-run", is_flag=True, help="Say what it would do, and do nothing.")
def import_log(file: Path, code: str | None, zone: str, *, dry_run: bool) -> None:
    """Bring in an incident log: CSV in UTF-8, one row for each change of a ticket.

    All of FILE is brought in, or, if something breaks, nothing; rows that cannot be are listed and left out. What is
    there already is not touched, so the same file does nothing twice, and a longer one adds what is new. People who
    are not known become inactive users at imported.invalid; locations become projects, groups teams.
    """
    times = _zone(zone)
    with file.open("rb") as opened, _Bars(file.stat().st_size) as bars:
        task = Import(code=code, zone=times, dry=dry_run, complain=bars.complain, progress=bars)
        try:
            with unit_of_work(ACTOR):
                task.run(opened, name=file.name)
                if dry_run:
                    db.session.rollback()
        except DomainError as error:
            raise click.ClickException(str(error)) from None
    for line in _told(task.report, dry=dry_run):
        click.echo(line)


class _Bars:
    """Two bars, one after the other: reading by bytes, then tickets. Wrong rows go to standard error as they come."""

    def __init__(self, size: int) -> None:
        self._bar = click.progressbar(length=size, label="Reading")

    def __enter__(self) -> "_Bars":
        self._bar.__enter__()
        return self

    def __exit__(self, *what: object) -> None:
        self._bar.render_finish()

    def __call__(self, step: str, n: int) -> None:
        if step == "found":
            self._bar.render_finish()
            self._bar = click.progressbar(length=n, label="Tickets")
            self._bar.__enter__()
        else:
            self._bar.update(n)

    def complain(self, line: int, reason: str) -> None:
        """Say what is wrong with a row."""
        click.echo(f"line {line}: {reason}", err=True)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(f"there is no time zone “{name}”", param_hint="--zone") from None


def _told(report: Report, *, dry: bool) -> list[str]:
    made = ", ".join(f"{n:,} {what}s" for what, n in report.made.items() if n)
    lines = [
        f"{report.rows:,} rows, {report.wrong:,} of them wrong and left out, about {report.tickets:,} tickets."
    ]
    if not report.changed_anything:
        return [*lines, "Nothing to do: everything else is there already."]
    verb = "Would add" if dry else "Added"
    lines.append(
        f"{verb} {report.new:,} tickets, went on with {report.continued:,};"
        f" {report.events:,} events of their history."
    )
    if made:
        lines.append(f"{verb}: {made}.")
    if report.kept:
        lines.append(f"{report.kept:,} fields stay as they were set here since the last import.")
    if dry:
        lines.append("Nothing was changed: this was a dry run.")
    return lines
