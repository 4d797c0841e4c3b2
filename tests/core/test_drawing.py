"""Templates draw the same as with Jinja's and Flask's own means, only sooner."""

from typing import Any

import pytest
from flask import Flask, render_template_string
from flask import url_for as flask_url_for

from webapp.core.drawing import url_for


@pytest.mark.parametrize(
    ("endpoint", "values"),
    [
        ("tickets.index", {}),
        ("tickets.index", {"tag": "a&b/ñ \0", "all": "1"}),
        ("tickets.index", {"asset": 7, "all": None}),
        ("tickets.show", {"number": 5, "_anchor": "message-7"}),
        ("tickets.show", {"number": 5, "_external": True}),
        ("tickets.save_time", {"number": 12, "entry_id": 3456}),
        ("assets.show", {"tag": "A/1 ü", "client": "C-1"}),
    ],
)
def test_addresses_are_those_of_flask(app: Flask, endpoint: str, values: dict[str, Any]) -> None:
    for path in ("/", "/mounted/"):
        with app.test_request_context(path, base_url=f"http://localhost{path}"):
            for _again in range(2):
                assert url_for(endpoint, **values) == flask_url_for(endpoint, **values)


def test_what_is_no_markup_is_escaped_everywhere(app: Flask) -> None:
    class Sly(str):
        __slots__ = ()

    source = (
        "{% macro twice(x) %}{{ x }}{{ caller() }}{% endmacro %}{% set y %}{{ bad }}{% endset %}"
        '{% call twice(bad) %}{{ sly }}{% endcall %}{{ y }}{{ 5 }}{{ none }}{{ _("%(x)s", x=bad) }}'
        '{% for one in [bad] %}{% set z = one %}{{ z | upper }}{% endfor %}{{ "<b>" | safe }}'
    )
    with app.test_request_context("/"):
        drawn = render_template_string(source, bad="<i>'", sly=Sly("<u>"))
    assert drawn == "&lt;i&gt;&#39;&lt;u&gt;&lt;i&gt;&#39;5None&lt;i&gt;&#39;&lt;I&gt;&#39;<b>"
