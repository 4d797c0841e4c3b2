"""The stream of events that a page listens to."""

from flask import Blueprint

bp = Blueprint("live", __name__)
