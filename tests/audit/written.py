"""The actions that the code writes into the log, read from the code itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from flask import Flask

from webapp.audit.sentences import SIMPLE, SPECIAL
from webapp.core.db import Audited, Base
from webapp.core.registry import PAGE_BY_KEY, PERMISSION_BY_KEY

ROOT = Path(__file__).parents[2] / "webapp"
_ACTION = re.compile(r"\A[a-z_]+\.[a-z_]+\Z", re.ASCII)
_TELLS = re.compile(r"\btrail\.(note|tell)\b")
# Who is called with names of tasks, notices and templates.
_APART = re.compile(r"task|periodic|url_for|render|announce|require|defer|[kK]ind")
# What looks alike in the same modules: names of files, of tasks and locks, of values that are handed on.
_ENDINGS = (".csv", ".pdf", ".py", ".json", ".jsonl", ".invalid", ".request_id")
_TASKS = {"tickets.recalculate", "audit.seal"}


def written(app: Flask) -> set[str]:
    """Return every action: those of changed rows, and what modules that tell the log something call it."""
    kinds = [
        one.class_.audit_type for one in Base.registry.mappers if issubclass(one.class_, Audited)
    ]
    plain = {f"{kind}.{verb}" for kind in kinds for verb in ("created", "updated", "deleted")}
    other = {*app.view_functions, *PAGE_BY_KEY, *PERMISSION_BY_KEY, *_TASKS}
    return plain | {name for name in _named() if name not in other and not name.endswith(_ENDINGS)}


def _named() -> Iterator[str]:
    for path in ROOT.rglob("*.py"):
        text = path.read_text()
        if _TELLS.search(text):
            yield from _of(ast.parse(text))


def _of(node: ast.AST) -> Iterator[str]:
    """Names in a part of a module, but for what is not told to the log."""
    if isinstance(node, ast.JoinedStr):
        yield from _made(node)
    elif isinstance(node, ast.Constant):
        yield from _ACTION.findall(node.value) if isinstance(node.value, str) else ()
    elif not (isinstance(node, ast.Call) and _APART.search(ast.unparse(node.func))):
        for one in ast.iter_child_nodes(node):
            yield from _of(one)


def _made(node: ast.JoinedStr) -> Iterator[str]:
    """Actions that are put together: all that fit and that the log has words for."""
    parts = [
        re.escape(str(one.value)) if isinstance(one, ast.Constant) else "[a-z_]+"
        for one in node.values
    ]
    if re.fullmatch(r"(\[a-z_\]\+|[a-z_]+)\\\.(\[a-z_\]\+|[a-z_]+)+", "".join(parts)):
        yield from (name for name in (*SIMPLE, *SPECIAL) if re.fullmatch("".join(parts), name))
