"""Who may use a route: every view says it, or the app refuses to start."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, g, request
from flask.typing import ResponseReturnValue

from webapp.core import idempotency, registry
from webapp.core.errors import Denied, UnguardedView
from webapp.core.identity import Person, person
from webapp.core.language import _
from webapp.core.unit_of_work import SAFE_METHODS, start_read_only

View = TypeVar("View", bound=Callable[..., Any])
_RULE = "__steward_rule__"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """What a view asks of the person: nothing, to be signed in, a page, permissions as well."""

    kind: str
    page: str | None = None
    permissions: tuple[str, ...] = ()
    scoped: bool = False
    sensitive: bool = False


def public(view: View) -> View:
    """Say out loud that a view is open to everyone, signed in or not."""
    return _put(view, Rule(kind="public"))


def signed_in(view: View) -> View:
    """Let everyone who is signed in use a view."""
    return _put(view, Rule(kind="signed in"))


def page(key: str, *, sensitive: bool = False) -> Callable[[View], View]:
    """Let those use a view who may open the page ``key``; a ``sensitive`` page records its readers."""
    if key not in registry.PAGE_BY_KEY:
        raise UnguardedView(f"there is no page {key}")

    def guard(view: View) -> View:
        return _put(view, Rule(kind="page", page=key, sensitive=sensitive))

    return guard


def permission(key: str, *, scoped: bool = False) -> Callable[[View], View]:
    """Ask for a permission besides the page: one that holds everywhere.

    With ``scoped`` it is enough here to hold it somewhere; the view itself checks ``require(key, on=place)``.
    """
    if key not in registry.PERMISSION_BY_KEY:
        raise UnguardedView(f"there is no permission {key}")

    def guard(view: View) -> View:
        rule: Rule = getattr(view, _RULE, None) or Rule(kind="page")
        changed = Rule(
            kind=rule.kind,
            page=rule.page,
            permissions=(*rule.permissions, key),
            scoped=scoped,
            sensitive=rule.sensitive,
        )
        setattr(view, _RULE, changed)
        return view

    return guard


def _put(view: View, rule: Rule) -> View:
    before: Rule | None = getattr(view, _RULE, None)
    if before is not None and (before.page or before.kind != "page"):
        raise UnguardedView(f"{view.__name__} carries two guards")
    if before is not None:
        if rule.kind == "public":
            raise UnguardedView(f"{view.__name__} is public and asks for a permission")
        rule = Rule(
            kind=rule.kind,
            page=rule.page,
            permissions=before.permissions,
            scoped=before.scoped,
            sensitive=rule.sensitive,
        )
    setattr(view, _RULE, rule)
    return view


def rule_of(app: Flask, endpoint: str) -> Rule | None:
    """Return what the view of ``endpoint`` asks for."""
    view = app.view_functions.get(endpoint)
    rule: Rule | None = getattr(view, _RULE, None)
    return rule


def assert_all_views_guarded(app: Flask) -> None:
    """Refuse to start an app in which some route forgot its guard.

    Raises:
        UnguardedView: naming every such route.
    """
    bare = [
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if (found := rule_of(app, rule.endpoint)) is None
        or (found.kind == "page" and not found.page)
    ]
    if bare:
        raise UnguardedView("no guard on: " + ", ".join(sorted(bare)))


def init_app(app: Flask) -> None:
    """Check the rule of a view before it runs."""

    @app.before_request
    def enter() -> ResponseReturnValue | None:
        if request.endpoint is None:
            return None
        rule = rule_of(app, request.endpoint)
        if rule is None:
            raise UnguardedView(request.endpoint)
        g.page_key = rule.page or ""
        if rule.kind == "public":
            return None
        start_read_only()
        who = person()
        if who is None:
            return app.login_manager.unauthorized()  # type: ignore[attr-defined, no-any-return]
        _check(who, rule)
        if request.method not in SAFE_METHODS:
            return idempotency.enter(f"user:{who.id}")
        return None


def _check(who: Person, rule: Rule) -> None:
    if rule.page and not who.opens(rule.page):
        title = registry.PAGE_BY_KEY[rule.page].title
        raise Denied(
            _("None of your roles opens the page “%(title)s”.", title=title), key=rule.page
        )
    for key in rule.permissions:
        if not who.holds(key):
            title = registry.PERMISSION_BY_KEY[key].title
            raise Denied(
                _("None of your roles holds the permission “%(title)s”.", title=title), key=key
            )
        if not rule.scoped:
            require(key)


def require(key: str, *, on: Any = None) -> None:
    """Refuse unless the signed-in person holds the permission ``key`` for the place ``on`` (None: everywhere).

    Raises:
        Denied: if no grant covers it.
    """
    who = person()
    if who is None or not who.can(key, on=on):
        title = registry.PERMISSION_BY_KEY[key].title
        raise Denied(_("Your permission “%(title)s” does not reach this.", title=title), key=key)
