"""Every page in dark, and on a phone."""

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
    check_accessible(app, admin, open_browser, paths, "dark")


@pytest.mark.parametrize("width", [390])
def test_no_page_is_wider_than_a_phone(
    app: Flask, admin: Any, open_browser: Open, paths: list[str], width: int
) -> None:
    browser = open_browser(user=admin, app=app, viewport={"width": width, "height": 800})
    wide = []
    for path in paths:
        page = browser.go(path)
        if (is_wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            wide.append(f"{path}: {is_wide}")
    assert wide == []
