"""Pages of the organisation: the tree, and lists and records of locations, clients and projects."""

from webapp.organisation.views import clients, locations, overview, picking, projects
from webapp.organisation.views.common import bp

__all__ = ["bp", "clients", "locations", "overview", "picking", "projects"]
