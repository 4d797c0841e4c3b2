"""Pages of assets."""

from webapp.assets.views import (
    bulk,
    custody,
    editing,
    files,
    imports,
    labels,
    moving,
    picking,
    record,
    register,
    scan,
    tree,
    types,
)
from webapp.assets.views.common import bp

__all__ = [
    "bp",
    "bulk",
    "custody",
    "editing",
    "files",
    "imports",
    "labels",
    "moving",
    "picking",
    "record",
    "register",
    "scan",
    "tree",
    "types",
]
