"""Every page, looked at by axe."""

from functools import cache
from pathlib import Path
from typing import Any

from tests.browser.conftest import Watched

AXE = Path(__file__).resolve().parents[1] / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = {"type": "rule", "values": ["color-contrast"]}  # all that a theme changes


@cache
def _axe() -> str:
    return AXE.read_text()


def violations(seen: Watched, rules: Any) -> list[str]:
    """What axe says of the page that is open."""
    page = seen.page
    page.evaluate("scrollTo(0, 0)")  # what the topbar happens to cover is no small target
    page.evaluate(_axe())  # as from the console: our own policy refuses a script put into the page
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    result = page.evaluate("options => axe.run(options)", options)
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in result["violations"]]
