"""Every page, looked at by axe."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

from tests import factories
from tests.browser.conftest import Watched

AXE = Path(__file__).resolve().parents[1] / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = {"type": "rule", "values": ["color-contrast"]}  # all that a theme changes


def check_accessible(
    app: Flask, admin: Any, open_browser: Callable[..., Watched], paths: list[str], theme: str
) -> None:
    with factories.work():
        from webapp.core.db import db
        from webapp.users.models import User

        db.session.get_one(User, admin.id).theme = theme
    # axe has to be put into the page; without the bypass our own policy refuses it.
    checked = open_browser(user=admin, app=app, bypass_csp=True)
    found = []
    for path in paths:
        page = checked.go(path)
        page.evaluate("scrollTo(0, 0)")  # what the topbar happens to cover is no small target
        page.add_script_tag(path=str(AXE))
        rules = RULES if theme == "light" else COLOURS
        result = page.evaluate("rules => axe.run({runOnly: rules})", rules)
        found += [
            f"{path}: {one['id']}: {one['nodes'][0]['html'][:120]}" for one in result["violations"]
        ]
    assert found == [], found
