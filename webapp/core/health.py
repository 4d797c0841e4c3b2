"""Is it up, and can it work?"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from webapp.core.database import is_migrated
from webapp.core.db import db
from webapp.core.guards import public

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """Say that the process answers; asks no database."""
    return jsonify(status="ok")


@bp.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Say whether the database answers and is migrated."""
    try:
        ready = is_migrated(db.session.connection())
    except SQLAlchemyError:
        db.session.rollback()
        ready = False
    return jsonify(status="ready" if ready else "unavailable"), 200 if ready else 503
