"""Steward with a few views more, whose writes can be slowed, refused and interrupted.

Served by gunicorn in the fault tests: `gunicorn tests.faults.target:app`.
"""

import os
import time

from flask import Blueprint, Flask, abort, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from webapp import create_app
from webapp.core import guards, trail, unit_of_work
from webapp.core.config import Settings
from webapp.core.db import db
from webapp.core.security import limiter
from webapp.organisation.models import Location

bp = Blueprint("probe", __name__, url_prefix="/probe")


def build(settings: Settings | None = None) -> Flask:
    target = create_app(settings)
    target.register_blueprint(bp)
    guards.assert_all_views_guarded(target)
    target.config["WTF_CSRF_ENABLED"] = False
    return target


@bp.post("/locations")
@guards.page("organisation")
def create() -> ResponseReturnValue:
    """Create a location, then do what `then` says."""
    name = request.form["name"]
    row = Location(name=name)
    db.session.add(row)
    trail.because(request.form.get("reason"))
    db.session.flush()
    match request.form.get("then"):
        case "pause":
            time.sleep(1.5)
        case "abort":
            abort(409)
        case "refuse":
            return "no", 400
        case "raise":
            raise RuntimeError("a bug")
    if request.form.get("then") == "page":
        return f"<!doctype html><html><title>Made</title><h1>Made</h1>{row.id}"
    return redirect(f"/probe/locations/{row.id}", code=303)


@bp.post("/savepoints")
@guards.page("organisation")
def savepoints() -> ResponseReturnValue:
    """Create two locations, the second in a savepoint that is undone, and a third."""
    name = request.form["name"]
    db.session.add(Location(name=f"{name} one"))
    db.session.flush()
    undone = db.session.begin_nested()
    db.session.add(Location(name=f"{name} two"))
    db.session.flush()
    trail.note("probe.undone", category="system")
    undone.rollback()
    with db.session.begin_nested():
        db.session.add(Location(name=f"{name} three"))
    return "made"


@bp.post("/afterwards")
@guards.page("organisation")
def afterwards() -> ResponseReturnValue:
    """Create a location, and have three things done once it stands, of which the second fails."""
    db.session.add(Location(name=request.form["name"]))
    unit_of_work.after_commit(lambda: trail.note("probe.first", category="system"))
    unit_of_work.after_commit(_fail)
    unit_of_work.after_commit(lambda: trail.note("probe.third", category="system"))
    return "made"


def _fail() -> None:
    trail.note("probe.second", category="system")
    raise RuntimeError("a bug")


@bp.post("/unaudited")
@guards.page("organisation")
def unaudited() -> ResponseReturnValue:
    """Write behind the recorder's back: only the database can notice."""
    query = text("INSERT INTO locations (name) VALUES (:name)")
    db.session.execute(query, {"name": request.form["name"]})
    return redirect("/", code=303)


@bp.get("/writes")
@guards.page("organisation")
def writes() -> ResponseReturnValue:
    """Try to write in a GET."""
    db.session.add(Location(name=request.args["name"]))
    db.session.flush()
    return "written"


@bp.get("/quick")
@guards.page("organisation")
def quick() -> ResponseReturnValue:
    """Answer from the database, to see whether the pool lives."""
    return jsonify(one=db.session.scalar(text("SELECT 1")))


if os.environ.get("STEWARD_PROBE"):
    app = build()
    limiter.enabled = False  # many writes in a short time are the point
