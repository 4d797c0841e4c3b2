"""Pages of access: why somebody may or may not, and which rule guards which address."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, abort, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import asof, forms, queries, schemas, scopes
from webapp.access import explain as logic
from webapp.access.grants import Grant
from webapp.core import pickers, trail
from webapp.core.errors import DomainError
from webapp.core.guards import page, rule_of
from webapp.core.identity import signed_in_person
from webapp.core.language import gettext
from webapp.core.moments import typed_from
from webapp.core.pickers import Option
from webapp.core.registry import find_entry
from webapp.core.search import UnknownFilter, cleaned
from webapp.organisation import choices
from webapp.organisation.tree import reach_of

bp = Blueprint("access", __name__)


@bp.get("/access/explain")
@page("access.explain", sensitive=True)
def explain() -> ResponseReturnValue:
    """Answer whether a person may open or do something, and why."""
    who = signed_in_person()
    question, problem = _question(who.timezone)
    looks_back = _looks_back(who)
    if question.at and not looks_back:
        abort(404)  # what was is in the log, and that is not theirs to read
    person = queries.find_person(question.person) if question.person else None
    if question.person and person is None:
        abort(404)
    answered = _answer(question, None if problem else person)
    drawn = render_template(
        "access/explain.html",
        question=question,
        person=person,
        form=_filled(person, answered["place_label"]),
        groups=forms.key_groups(),
        looks_back=looks_back,
        typed_at=typed_from(question.at, who.timezone),
        problem=problem,
        **answered,
    )
    return drawn, HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK


def _question(timezone: str) -> tuple[schemas.Question, str | None]:
    """What is asked, and what is wrong with its moment."""
    args = request.args.to_dict()
    try:
        try:
            return schemas.question_from(args, timezone=timezone), None
        except DomainError as error:
            return schemas.question_from(args | {"at": ""}, timezone=timezone), str(error)
    except ValueError:
        abort(404)


def _looks_back(who: Any) -> bool:
    """Tell whether a person reads the whole log."""
    pages = [grant.pages for grant in who.grants if grant.everywhere]
    return all(any(key in some for some in pages) for key in ("audit", "access.explain"))


def _filled(person: queries.Choice | None, place_label: str | None) -> forms.WhoAndWhere:
    form = forms.WhoAndWhere(request.args)
    form.person.offer(
        url_for("access.pick_person"), present=_named(person).label if person else None
    )
    form.object.offer(
        url_for("access.pick_place"),
        present=place_label,
        fixed=[("", gettext("Anywhere at all"))],
    )
    return form


def _named(person: queries.Choice) -> Option:
    name = person.label
    if not person.active:
        name = gettext("%(name)s (inactive)", name=name)
    return Option(value=person.value, label=name, hint=person.hint)


@bp.get("/access/pickers/people")
@page("access.explain")
def pick_person() -> ResponseReturnValue:
    """Find people to ask about."""
    found = queries.people_like(pickers.typed(), limit=pickers.LIMIT + 1)
    return pickers.answer([_named(person) for person in found])


@bp.get("/access/pickers/places")
@page("access.explain")
def pick_place() -> ResponseReturnValue:
    """Find places to ask about."""
    return scopes.answer(seen=reach_of(signed_in_person(), "access.explain"))


def _answer(question: schemas.Question, person: queries.Choice | None) -> dict[str, Any]:
    """Work out the answer, if the question is complete."""
    place, place_label = None, None
    if question.kind and question.place:
        seen = reach_of(signed_in_person(), "access.explain")
        place_label = choices.label_of(question.kind, question.place, seen=seen)
        if place_label is None:
            abort(404)
        place = queries.place_of(**{f"{question.kind}_id": question.place})
    shown: dict[str, Any] = {
        "answer": None,
        "entry": find_entry(question.key) if question.key else None,
        "place_label": place_label,
        "then": None,
    }
    if person is None or (question.key is None and question.at is None):
        return shown
    if question.at is None:
        active, grants, roles = person.active, _grants_now(person), queries.contents_of()
    else:
        then = asof.past(
            int(person.value), question.at, kind=question.kind, place_id=question.place
        )
        active = bool(then.person) and then.person.get("is_active", True)
        grants, roles = then.grants, then.roles
        place = then.place
        shown["then"] = then
    if question.key is not None:
        shown["answer"] = logic.explain(
            active=active, grants=grants, roles=roles, key=question.key, place=place
        )
    _note(question, person, place_label)
    return shown


def _grants_now(person: queries.Choice) -> list[Grant]:
    key = int(person.value)
    return queries.grants_of([key])[key]


def _note(question: schemas.Question, person: queries.Choice, place_label: str | None) -> None:
    asked = {"key": question.key, "object": place_label}
    trail.note(
        "access.explained",
        category="read",
        object_type="user",
        object_id=int(person.value),
        object_label=person.label,
        changes=asked | ({"at": question.at} if question.at else {}),
    )


@bp.get("/access/routes")
@page("access.routes")
def routes() -> ResponseReturnValue:
    """Show every address with the rule that guards it."""
    q = cleaned(request.args.get("q")).lower()
    kind = request.args.get("rule", "")
    if kind not in dict(forms.ROUTE_KINDS):
        raise UnknownFilter
    every = sorted(_routes(), key=lambda one: (one["path"], one["methods"]))
    shown = [
        one
        for one in every
        if (not kind or one["rule"].kind == kind) and (not q or q in one["searched"])
    ]
    return render_template(
        "access/routes.html", rows=shown, total=len(every), q=q, kind=kind, kinds=forms.ROUTE_KINDS
    )


def _routes() -> list[dict[str, Any]]:
    rows = []
    for route in current_app.url_map.iter_rules():
        rule = rule_of(current_app, route.endpoint)
        if rule is None:
            continue
        methods = sorted((route.methods or set()) - {"HEAD", "OPTIONS"})
        titles = [
            str(entry.title)
            for key in (rule.page, *rule.permissions)
            if key and (entry := find_entry(key))
        ]
        words = [route.rule, route.endpoint, rule.kind, rule.page or "", *rule.permissions]
        rows.append(
            {
                "path": route.rule,
                "methods": methods,
                "endpoint": route.endpoint,
                "rule": rule,
                "searched": " ".join([*words, *methods, *titles]).lower(),
            }
        )
    return rows
