"""`flask attachments …`: chores around files."""

from collections.abc import Iterator
from itertools import islice

import click
from flask.cli import AppGroup

from webapp.attachments import services
from webapp.core import storage, trail
from webapp.core.unit_of_work import unit_of_work

cli = AppGroup("attachments", help="Files on records.")

ACTOR = "system:purge-files"
BATCH = 1000


@cli.command("purge")
@click.option("--days", default=30, show_default=True, type=click.IntRange(0, 36500))
def purge(days: int) -> None:
    """Remove files that were deleted this many days ago, and bytes that no file needs."""
    rows = 0
    while True:
        with unit_of_work(ACTOR):
            done = services.purge_rows(days=days)
        rows += done
        if done < services.AT_ONCE:
            break
    dropped = sum(_drop_unreferenced(names) for names in _batches())
    storage.files().forget_drafts()
    with unit_of_work(ACTOR):
        found = {"rows": rows, "files": dropped, "days": days}
        trail.note("attachments.purged", category="system", changes=found)
    click.echo(f"Removed {rows} files for good; {dropped} blobs left the disk.")


def _batches() -> Iterator[list[str]]:
    names = storage.files().names()
    while batch := list(islice(names, BATCH)):
        yield batch


def _drop_unreferenced(names: list[str]) -> int:
    with unit_of_work(ACTOR):
        garbage = services.unreferenced(names)
    count = 0
    for name in sorted(garbage):
        with unit_of_work(ACTOR):  # one each: a lock is held no longer than it takes
            count += services.drop(name)
    return count
