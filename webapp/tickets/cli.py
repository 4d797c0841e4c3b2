"""`flask tickets …`: bring in the history of another service desk."""

from flask.cli import AppGroup

cli = AppGroup("tickets", help="Tickets.")
