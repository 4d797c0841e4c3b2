"""Over HTTP, too, what belongs to another client is exactly like what does not exist."""

import difflib
import re
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.assets.isolation import KINDS, MISSING, RIGHTS, SECRETS, make_world, own_assets, scope_of

ABSENT = "NOSUCH-1"
LISTS = (
    "/assets",
    "/assets?q=alpha",
    "/assets?sort=-warranty&limit=100",
    "/assets?overdue=1",
    "/assets?archived=1",
    "/assets/export.csv",
    "/assets/overdue",
    "/assets/tree",
    "/assets/tree?q=alpha",
    "/assets/tree?q=s",
    "/assets/tree/children?node=location:{top}",
    "/assets/labels",
    "/assets/types",
    "/assets/import",
    "/assets/pickers/assets?q=s",
    "/assets/pickers/places?q=a",
    "/assets/pickers/homes?q=a",
    "/assets/pickers/holders?q=l",
    "/assets/tree/targets?q=a&node=asset:{asset}",
    "/assets/import/pickers/client?q=a",
    "/assets/import/pickers/project?q=a",
    "/assets/import/pickers/location?q=l",
    "/search?q=alpha",
    "/search?q=s",
    "/",
)
FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}
SignIn = Callable[..., Any]


@pytest.fixture
def world(app: Flask) -> Any:
    return make_world()


@pytest.fixture
def visitor(world: Any, sign_in: SignIn) -> Callable[[str], Any]:
    return lambda kind: sign_in(*RIGHTS, **scope_of(world, kind))


def exists(app: Flask, url: str) -> bool:
    """Whether the page is there."""
    adapter = app.url_map.bind("localhost")
    return adapter.test(url.partition("?")[0], "GET")


def plain(reply: Any, *asked: Any) -> tuple[int, str]:
    """Status and body without what differs between any two requests, and without what was asked for."""
    text = (
        reply.get_data(as_text=True)
        .replace("%3A", ":")
        .replace(reply.headers.get("X-Request-ID", "\0"), "")
    )
    text = re.sub(r'name="(_key|csrf-token|csrf_token)"[^>]*>', "", text)
    text = re.sub(r'data-since="[^"]*"', "", text)
    for one in sorted({str(one) for one in asked if one}, key=len, reverse=True):
        text = re.sub(rf"(?<![\w-]){re.escape(one)}(?![\w-])", "?", text, flags=re.IGNORECASE)
    return reply.status_code, text


def difference(one: tuple[int, str], other: tuple[int, str]) -> list[Any]:
    """Where two replies differ: nowhere, if nothing is told."""
    lines = difflib.unified_diff(one[1].splitlines(), other[1].splitlines(), lineterm="", n=0)
    return ([one[0], other[0]] if one[0] != other[0] else []) + list(lines)[2:6]


@pytest.mark.parametrize("kind", KINDS)
def test_lists_searches_and_exports_hold_nothing_of_others(
    world: Any, visitor: Any, app: Flask, kind: str
) -> None:
    client = visitor(kind)
    tried = 0
    for address in LISTS:
        url = address.format(top=world.top.id, asset=world.asset.id)
        if not exists(app, url):
            continue
        tried += 1
        reply = client.get(url, headers=FRAGMENT if "pickers" in url or "children" in url else {})
        text = reply.get_data(as_text=True)
        assert reply.status_code == 200, (url, reply.status_code)
        for secret in SECRETS:
            assert secret not in text, (url, secret)
    assert tried > 15
    listed = client.get("/assets?q=alpha").get_data(as_text=True)
    for tag in ("MINE-1", "MINE-2", "MINE-3"):
        assert (tag in listed) is (tag in own_assets(world, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_about_others_gets_the_answer_of_nothing(
    world: Any, visitor: Any, app: Flask, kind: str
) -> None:
    client = visitor(kind)
    words = [("SECRET-1", ABSENT), ("SECRETSERIAL", "NOSUCHSERIAL"), ("secretimei", "nosuchimei")]
    urls = ("/assets?q=%s", "/assets/tree?q=%s", "/assets/pickers/assets?q=%s", "/search?q=%s")
    numbers = [("location", world.far.id), ("client", world.theirs.id), ("project", world.other.id)]
    pairs = [(url % there, url % absent, there, absent) for url in urls for there, absent in words]
    pairs += [
        (url % f"{name}:{number}", url % f"{name}:{MISSING}", number, MISSING)
        for name, number in numbers
        for url in ("/assets?place=%s", "/assets/tree/children?node=%s", "/assets/tree?node=%s")
    ]
    pairs += [
        (url % world.secret.id, url % MISSING, world.secret.id, MISSING)
        for url in (
            "/assets/tree/children?node=asset:%s",
            "/assets/bulk?ids=%s",
            "/assets/labels?ids=%s",
        )
    ]
    pairs.append(
        (
            f"/assets?holder=location:{world.far.id}",
            f"/assets?holder=location:{MISSING}",
            world.far.id,
            MISSING,
        )
    )
    for there, absent, *asked in pairs:
        if not exists(app, there):
            continue
        seen, unseen = (plain(client.get(url), *asked) for url in (there, absent))
        assert not difference(seen, unseen), there


def _addresses(app: Flask, world: Any, owner: Any) -> Iterator[tuple[str, str, str, list[Any]]]:
    """Method, address of a foreign thing, of one that is missing, and what was asked for."""
    file = owner.execute(
        "SELECT id FROM attachments WHERE asset_id = %s", [world.secret.id]
    ).fetchone()
    nodes = {"location": world.far.id, "client": world.theirs.id, "project": world.other.id}
    there = {
        "tag": "SECRET-1",
        "asset_id": world.secret.id,
        "attachment_id": file["id"],
        "run_id": world.run_id,
        "custody_id": owner.execute(
            "SELECT id FROM asset_custody WHERE asset_id = %s", [world.secret.id]
        ).fetchone()["id"],
    }
    absent = {name: ABSENT if name == "tag" else MISSING for name in there}
    for rule in app.url_map.iter_rules():
        names = set(rule.arguments)
        if not rule.rule.startswith("/assets") or not names:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for values in _values(names, there, nodes):
                missing = {**values, **{name: absent[name] for name in values if name in absent}}
                if "node_id" in missing:
                    missing["node_id"] = MISSING
                asked = [*values.values(), *missing.values()]
                yield method, _fill(rule.rule, values), _fill(rule.rule, missing), asked


def _values(names: set[str], there: dict[str, Any], nodes: dict[str, int]) -> list[dict[str, Any]]:
    if names == {"kind", "node_id"}:
        return [{"kind": kind, "node_id": number} for kind, number in nodes.items()]
    return [{name: there[name] for name in names}] if names <= set(there) else []


def _fill(rule: str, values: dict[str, Any]) -> str:
    return re.sub(r"<(?:[^<>]*:)?(\w+)>", lambda found: str(values[found[1]]), rule)


@pytest.mark.parametrize("kind", KINDS)
def test_every_address_of_theirs_answers_like_a_missing_one(
    world: Any, visitor: Any, app: Flask, owner: Any, kind: str
) -> None:
    client = visitor(kind)
    tried, wrong = 0, []
    for method, there, absent, asked in _addresses(app, world, owner):
        tried += 1
        seen = plain(client.open(there, method=method), *asked)
        unseen = plain(client.open(absent, method=method), *asked)
        if (told := difference(seen, unseen)) or seen[0] not in {403, 404}:
            wrong.append((method, there, seen[0], told))
    assert wrong == []
    assert tried > 20


@pytest.mark.parametrize("kind", KINDS)
def test_forms_that_name_rows_of_others_are_answered_like_missing_ones(
    world: Any, visitor: Any, app: Flask, owner: Any, kind: str
) -> None:
    client = visitor(kind)
    own = {"tag": "MINE-1", "name": "Alpha", "type_id": world.type.id, "version": 1}
    new = {"name": "Mine", "type_id": world.type.id, "status": "in_stock", "tag": "NEW-1"}
    forms: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("/assets/new", new | {"client_id": world.theirs.id}, new | {"client_id": MISSING}),
        (
            "/assets/new",
            new | {"home": f"client:{world.theirs.id}"},
            new | {"home": f"client:{MISSING}"},
        ),
        (
            "/assets/MINE-1/edit",
            own | {"home": f"client:{world.theirs.id}"},
            own | {"home": f"client:{MISSING}"},
        ),
        ("/assets/scan/rows", {"scanned": "SECRET-1"}, {"scanned": ABSENT}),
        (
            "/assets/scan",
            {"tags": "SECRET-1", "holder": f"user:{world.holder.id}", "way": "out"},
            {"tags": ABSENT, "holder": f"user:{world.holder.id}", "way": "out"},
        ),
        (
            "/assets/bulk",
            {"ids": world.secret.id, "status": "retired"},
            {"ids": MISSING, "status": "retired"},
        ),
        (
            "/assets/bulk/apply",
            {"ids": world.secret.id, "status": "retired"},
            {"ids": MISSING, "status": "retired"},
        ),
        ("/assets/labels", {"ids": world.secret.id}, {"ids": MISSING}),
        (
            "/assets/MINE-1/transfer",
            {"holder": f"location:{world.far.id}"},
            {"holder": f"location:{MISSING}"},
        ),
    ]
    targets = {"client": world.theirs.id, "project": world.other.id, "asset": world.secret.id}
    for name, number in targets.items():
        there, absent = ({"target": f"{name}:{x}", "version": 1} for x in (number, MISSING))
        forms += [
            (f"/assets/tree/asset/{world.asset.id}/move", there, absent),
            ("/assets/MINE-1/move", there, absent),
        ]
    count = "SELECT count(*) AS n, max(updated_at) AS at, sum(client_id) AS sum FROM assets"
    before = owner.execute(count).fetchone()
    for url, there, absent in forms:
        asked = [*there.values(), *absent.values()]
        asked += [str(one).partition(":")[2] for one in asked]
        asked = [one for one in asked if str(one) not in {"1", "Mine", "Alpha", "MINE-1"}]
        seen = plain(client.post(url, data=there), *asked)
        unseen = plain(client.post(url, data=absent), *asked)
        assert not difference(seen, unseen), url
        assert not any(secret in seen[1] for secret in SECRETS), url
    assert owner.execute(count).fetchone() == before


def test_time_does_not_tell_either(world: Any, visitor: Any) -> None:
    client = visitor("client")
    taken: dict[str, list[float]] = {"SECRET-1": [], ABSENT: []}
    for _turn in range(40):
        for tag, times in taken.items():
            begun = time.perf_counter()
            assert client.get(f"/assets/{tag}").status_code == 404
            times.append(time.perf_counter() - begun)
    there, absent = (statistics.median(times[5:]) for times in taken.values())
    spread = statistics.stdev(taken[ABSENT][5:])
    assert abs(there - absent) < max(spread, 0.3 * absent), (there, absent)


def test_labels_of_places_out_of_sight_are_not_shown(world: Any, sign_in: SignIn) -> None:
    colleague = factories.make_user(name="Works elsewhere")
    role = factories.make_role("assets", name="Keeper")
    for place in (
        {"location_id": world.far.id},
        {"client_id": world.theirs.id},
        {"location_id": world.floor.id},
    ):
        factories.grant(colleague, role, **place)
    client = sign_in("users", "roles", "access.explain", location_id=world.top.id)
    for url in (
        f"/users/{colleague.id}",
        f"/roles/{role.id}",
        f"/access/explain?person={colleague.id}&key=assets",
    ):
        text = client.get(url).get_data(as_text=True)
        assert "Third floor" in text, url
        assert "Lisbon" not in text and "rivals" not in text, url
