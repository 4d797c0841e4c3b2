"""Every page in light, and what its console says."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.browser.axe import check_accessible
from tests.browser.conftest import Watched

Open = Callable[..., Watched]


@pytest.mark.timeout(300)
def test_every_page_is_accessible(  # each theme in a file of its own, so that two run side by side
    app: Flask, admin: Any, open_browser: Open, paths: list[str]
) -> None:
    check_accessible(app, admin, open_browser, paths, "light")


def test_every_page_is_quiet(app: Flask, admin: Any, open_browser: Open, paths: list[str]) -> None:
    quiet = open_browser(user=admin, app=app)
    for path in paths:
        quiet.go(path)
    # Chromium itself notes in the console that a page was answered with 404.
    noise = [one for one in quiet.complaints if "404" not in one]
    assert noise == []
