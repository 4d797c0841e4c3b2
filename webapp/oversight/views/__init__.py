"""Pages of the log."""

from webapp.oversight.views import exports, integrity, log, reading, records, undo
from webapp.oversight.views.common import bp

__all__ = ["bp", "exports", "integrity", "log", "reading", "records", "undo"]
