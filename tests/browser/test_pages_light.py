"""Every page in light: what axe says, and what its console says."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.browser.axe import RULES, violations
from tests.browser.conftest import Watched

Open = Callable[..., Watched]


@pytest.mark.timeout(300)
def test_every_page_is_accessible_and_quiet(  # each theme in a file of its own: two run side by side
    app: Flask, admin: Any, open_browser: Open, paths: list[str]
) -> None:
    seen = open_browser(user=admin, app=app)
    found = []
    for path in paths:
        seen.go(path)
        found += [f"{path}: {one}" for one in violations(seen, RULES)]
    assert found == [], found
    # Chromium itself notes in the console that a page was answered with 404.
    noise = [one for one in seen.complaints if "404" not in one]
    assert noise == []
