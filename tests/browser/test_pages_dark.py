"""Every page on a phone, and in dark."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.browser.axe import COLOURS, violations
from tests.browser.conftest import Watched
from webapp.core.db import db
from webapp.users.models import User

Open = Callable[..., Watched]
PHONE, DESK = {"width": 390, "height": 800}, {"width": 1440, "height": 900}


@pytest.mark.timeout(300)
def test_no_page_is_wider_than_a_phone_and_each_can_be_read_in_dark(
    app: Flask, admin: Any, open_browser: Open, paths: list[str]
) -> None:
    with factories.work():
        db.session.get_one(User, admin.id).theme = "dark"
    seen = open_browser(user=admin, app=app)
    wide, found = [], []
    for path in paths:
        seen.page.set_viewport_size(PHONE)
        page = seen.go(path)
        if (width := page.evaluate("document.documentElement.scrollWidth")) > PHONE["width"]:
            wide.append(f"{path}: {width}")
        page.set_viewport_size(DESK)
        found += [f"{path}: {one}" for one in violations(seen, COLOURS)]
    assert wide == []
    assert found == [], found
