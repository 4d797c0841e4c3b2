"""`flask seed`: demo data."""

from datetime import UTC, date, datetime, timedelta

import click
from flask.cli import with_appcontext

from webapp.seed import demo, history, large, names, state

MESSAGES = {
    "half-seeded": "An earlier seed was interrupted. Drop the database and start again.",
    "foreign": "This database has data of its own. Nothing was changed.",
}


@click.command("seed")
@click.option("--size", type=click.Choice(["demo", "large"]), default="demo", show_default=True)
@with_appcontext
def seed(size: str) -> None:
    """Fill an empty database with a demo, or with much for measuring."""
    if size == "large":
        large.refuse_production()
    found = state()
    if found in MESSAGES:
        raise click.ClickException(MESSAGES[found])
    today = datetime.now(UTC).date()
    if found == "seeded":
        click.echo("The demo data is there already.")
    else:
        seed_demo(today)
    if size == "large":
        large.fill()


def seed_demo(today: date) -> None:
    """Make the demo, with a bar that shows how far it is."""
    made = demo.start(today)
    colleagues = demo.PEOPLE - len(names.ACCOUNTS)
    with click.progressbar(length=demo.DAYS + colleagues + 2, label="Demo data") as bar:
        demo.make_accounts(made)
        bar.update(1)
        demo.make_organisation(made)
        bar.update(1)
        made.now = made.base - timedelta(days=demo.DAYS + 1)
        for _ in range(colleagues):
            made.now += timedelta(minutes=12)
            demo.make_person(made)
            bar.update(1)
        for day in range(demo.DAYS, 0, -1):
            history.live_a_day(made, day)
            bar.update(1)
        history.finish(made)
