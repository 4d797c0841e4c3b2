"""Finds the texts that Python declares and templates translate: titles, labels and hints."""

import ast
from collections.abc import Iterator
from typing import Any, BinaryIO

from babel.messages.extract import extract_python

Found = tuple[int, str | None, Any, list[str]]
TABLES = {"TYPES"}


def extract(
    source: BinaryIO, keywords: dict[str, Any], tags: list[str], options: dict[str, Any]
) -> Iterator[Found]:
    """Yield every marked text of a Python file, and those that are declared for templates."""
    yield from extract_python(source, keywords, tags, options)
    source.seek(0)
    for node in ast.walk(ast.parse(source.read())):
        for text in _declared(node):
            if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value:
                yield text.lineno, None, text.value, []


def _declared(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "Entry":
            return node.args[1:4]
        if node.func.id.endswith("Field"):
            return node.args[:1] + [
                word.value for word in node.keywords if word.arg == "description"
            ]
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
        name = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        if isinstance(name, ast.Name) and name.id in TABLES:
            values = node.value.values
            return [text.elts[0] if isinstance(text, ast.Tuple) else text for text in values]
    return []
