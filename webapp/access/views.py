"""Pages of access: why somebody may or may not, and which rule guards which address."""

from typing import Any

from flask import Blueprint, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue

from webapp.access import explain as logic
from webapp.access import forms, queries, schemas
from webapp.core import trail
from webapp.core.guards import page, rule_of
from webapp.core.registry import find_entry
from webapp.core.search import cleaned

bp = Blueprint("access", __name__)


@bp.get("/access/explain")
@page("access.explain", sensitive=True)
def explain() -> ResponseReturnValue:
    """Answer whether a person may open or do something, and why."""
    try:
        question = schemas.question_from(request.args.to_dict())
    except ValueError:
        abort(404)
    person_q = cleaned(request.args.get("person_q"))
    object_q = cleaned(request.args.get("object_q"))
    person = queries.find_person(question.person) if question.person else None
    if question.person and person is None:
        abort(404)
    people = queries.people_like(person_q)
    if person_q and person is None and len(people) == 1:
        person = people[0]
    return render_template(
        "access/explain.html",
        question=question,
        person=person,
        people=_with(people, person),
        places=queries.places_like(object_q),
        person_q=person_q,
        object_q=object_q,
        groups=forms.key_groups(),
        **_answer(question, person),
    )


def _with(people: list[queries.Choice], person: queries.Choice | None) -> list[queries.Choice]:
    """Keep the chosen person in the list, whatever the search found."""
    if person is None or any(one.value == person.value for one in people):
        return people
    return [person, *people]


def _answer(question: schemas.Question, person: queries.Choice | None) -> dict[str, Any]:
    """Work out the answer, if the question is complete."""
    place, place_label = None, None
    if question.kind and question.place:
        place_label = queries.place_name(question.kind, question.place)
        if place_label is None:
            abort(404)
        place = queries.place_of(**{f"{question.kind}_id": question.place})
    if person is None or question.key is None:
        return {"answer": None, "entry": None, "place_label": place_label}
    answer = logic.explain(
        active=person.active,
        grants=queries.grants_of([int(person.value)])[int(person.value)],
        roles=queries.contents_of(),
        key=question.key,
        place=place,
    )
    trail.note(
        "access.explained",
        category="read",
        object_type="user",
        object_id=int(person.value),
        object_label=person.label,
        changes={"key": question.key, "object": place_label},
    )
    return {"answer": answer, "entry": find_entry(question.key), "place_label": place_label}


@bp.get("/access/routes")
@page("access.routes")
def routes() -> ResponseReturnValue:
    """Show every address with the rule that guards it."""
    q = cleaned(request.args.get("q")).lower()
    kind = request.args.get("rule", "")
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
            entry.title
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
