"""Every address is closed to those who hold nothing."""

from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from webapp.core.guards import rule_of


def address(app: Flask, route: Rule) -> str:
    values = {}
    for name, converter in route._converters.items():
        values[name] = 1 if converter.__class__.__name__.startswith("I") else "x"
        if converter.__class__.__name__ == "AnyConverter":
            values[name] = "client"
    with app.test_request_context():
        return app.url_map.bind("localhost").build(route.endpoint, values)


def walk(app: Flask) -> Any:
    for route in app.url_map.iter_rules():
        rule = rule_of(app, route.endpoint)
        assert rule is not None, route
        for method in sorted((route.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, address(app, route)


def test_somebody_without_a_role_is_refused_wherever_a_page_is_asked_for(
    app: Flask, sign_in: Any
) -> None:
    client = sign_in()
    for rule, method, url in walk(app):
        if rule.kind == "page":
            assert client.open(url, method=method).status_code == 403, (method, url)


def test_a_stranger_is_sent_to_sign_in(app: Flask, client: Any) -> None:
    for rule, method, url in walk(app):
        if rule.kind != "public":
            response = client.open(url, method=method)
            assert response.status_code == 303, (method, url)
            assert response.location.startswith("/login"), (method, url)


def test_the_page_of_routes_shows_and_filters_them(sign_in: Any) -> None:
    client = sign_in("access.routes")
    assert "/roles/new" in client.get("/access/routes").get_data(as_text=True)
    found = client.get("/access/routes?q=healthz&rule=public").get_data(as_text=True)
    assert "/healthz" in found and "/roles/new" not in found
