"""The tree shows what lies where to whoever may see it, counts included, and long levels in parts."""

import re

import pytest

from tests import factories
from webapp.assets.queries import tree as queries

EVERYTHING = ("assets", "organisation", "dashboard")
HX = {"HX-Request": "true"}


@pytest.fixture
def world(app):
    """Madrid > Third floor > Alpha (two projects), Lisbon > Beta; six assets."""
    top = factories.make_location("Madrid")
    floor = factories.make_location("Third floor", parent_id=top.id)
    far = factories.make_location("Lisbon")
    alpha = factories.make_client("Alpha works", location_id=floor.id, code="ALPHA")
    beta = factories.make_client("Beta rivals", location_id=far.id, code="BETA")
    one = factories.make_project("Refit", client_id=alpha.id)
    two = factories.make_project("Secretive", client_id=alpha.id)
    kind = factories.make_type("Cabinet")

    def make(name, **place):
        return factories.make_asset(name, type_id=kind.id, **place)

    rack = make("Rack", tag="RACK-1", client_id=alpha.id, project_id=one.id)
    shelf = make("Shelf", tag="SHELF-1", client_id=alpha.id, project_id=one.id, parent_id=rack.id)
    disk = make("Disk", tag="DISK-1", client_id=alpha.id, project_id=one.id, parent_id=shelf.id)
    hidden = make("Vault", tag="VAULT-1", client_id=alpha.id, project_id=two.id)
    loose = make("Chair", tag="CHAIR-1", client_id=alpha.id)
    other = make("Rival chair", tag="RIVAL-1", client_id=beta.id)
    return {
        "top": top,
        "floor": floor,
        "far": far,
        "alpha": alpha,
        "beta": beta,
        "one": one,
        "two": two,
        "rack": rack,
        "shelf": shelf,
        "disk": disk,
        "hidden": hidden,
        "loose": loose,
        "other": other,
        "kind": kind,
    }


def nodes(html):
    """What a page shows of the tree: {node: (level, assets below)}."""
    found = {}
    for attributes, inner in re.findall(r'<a role="treeitem"(.*?)>(.*?)</a>', html, re.DOTALL):
        node = re.search(r'data-node="([^"]+)"', attributes)
        if node is None:
            continue
        level = int(re.search(r'aria-level="(\d+)"', attributes)[1])
        count = re.search(r", ([\d,]+) assets?<", inner)
        found[node[1]] = (level, int(count[1]) if count else 0)
    return found


def children(client, node="", **more):
    asked = {"node": node} | more
    reply = client.get("/assets/tree/children", query_string=asked, headers=HX)
    assert reply.status_code == 200, reply.text
    return nodes(reply.text)


def test_each_level_is_a_fragment_with_its_counts_rolled_up(world, sign_in):
    client = sign_in(*EVERYTHING)
    w = {name: row.id for name, row in world.items()}
    assert nodes(client.get("/assets/tree").text) == {
        f"location:{w['top']}": (1, 5),
        f"location:{w['far']}": (1, 1),
    }
    assert children(client, f"location:{w['top']}", level=2) == {f"location:{w['floor']}": (2, 5)}
    assert children(client, f"location:{w['floor']}") == {f"client:{w['alpha']}": (1, 5)}
    assert children(client, f"client:{w['alpha']}", level=4) == {
        f"project:{w['one']}": (4, 3),
        f"project:{w['two']}": (4, 1),
        f"asset:{w['loose']}": (4, 0),
    }
    assert children(client, f"project:{w['one']}") == {f"asset:{w['rack']}": (1, 2)}
    assert children(client, f"asset:{w['rack']}") == {f"asset:{w['shelf']}": (1, 1)}
    assert children(client, f"asset:{w['disk']}") == {}


def test_open_shows_the_way_to_a_node(world, sign_in):
    client = sign_in(*EVERYTHING)
    reply = client.get(f"/assets/tree?open=asset:{world['disk'].id}")
    shown = nodes(reply.text)
    assert shown[f"asset:{world['disk'].id}"] == (7, 0)
    assert shown[f"asset:{world['rack'].id}"] == (5, 2)
    assert f"asset:{world['loose'].id}" in shown  # its neighbours on the way, too
    assert client.get("/assets/tree?open=asset:99999999").status_code == 404
    for wrong in ("asset", "asset:x", "user:1", "asset:" + "9" * 30):
        assert client.get(f"/assets/tree?open={wrong}").status_code == 400
        assert client.get(f"/assets/tree/children?node={wrong}").status_code == 400


@pytest.mark.parametrize(
    ("scope", "mine"),
    [
        ("project", {"one": 3, "floor": 3, "top": 3, "alpha": 3}),
        ("client", {"one": 3, "two": 1, "floor": 5, "top": 5, "alpha": 5}),
        ("location", {"one": 3, "two": 1, "floor": 5, "top": 5, "alpha": 5}),
    ],
)
def test_everybody_sees_and_counts_exactly_theirs(world, sign_in, scope, mine):
    place = {
        "project": {"project_id": world["one"].id},
        "client": {"client_id": world["alpha"].id},
        "location": {"location_id": world["top"].id},
    }[scope]
    client = sign_in(*EVERYTHING, **place)
    text = client.get(f"/assets/tree?open=asset:{world['disk'].id}").text
    kinds = {"one": "project", "two": "project", "alpha": "client"}
    wanted = {f"{kinds.get(k, 'location')}:{world[k].id}": count for k, count in mine.items()}
    seen = nodes(text)
    assert {k: n for k, (_, n) in seen.items() if not k.startswith("asset:")} == wanted
    assert (f"asset:{world['loose'].id}" in seen) is (scope != "project")
    for secret in ("Lisbon", "Beta rivals", "RIVAL-1"):
        assert secret not in text
    for node in ("far", "beta", "other"):
        kind = {"far": "location", "beta": "client", "other": "asset"}[node]
        key = f"{kind}:{world[node].id}"
        assert client.get(f"/assets/tree?open={key}").status_code == 404
        assert client.get(f"/assets/tree/children?node={key}").status_code == 404
        if kind != "asset":
            url = f"/assets/tree/{kind}/{world[node].id}/summary"
            assert client.get(url).status_code == 404
    found = client.get("/assets/tree?q=chair").text
    assert "RIVAL-1" not in found and ("CHAIR-1" in found) is (scope != "project")


def test_search_finds_nodes_of_every_kind_with_their_paths(world, sign_in):
    client = sign_in(*EVERYTHING)
    for typed, name, key in (
        ("third", "Third floor", f"location:{world['floor'].id}"),
        ("alpha", "Alpha works", f"client:{world['alpha'].id}"),
        ("refit", "Refit", f"project:{world['one'].id}"),
        ("disk-1", "DISK-1", f"asset:{world['disk'].id}"),
    ):
        reply = client.get(f"/assets/tree?q={typed}")
        assert name in reply.text and f"open={key.replace(':', '%3A')}" in reply.text.replace(
            f"open={key}", f"open={key.replace(':', '%3A')}"
        )
    found = client.get("/assets/tree?q=disk", headers=HX).text
    assert (
        "Madrid \u203a Third floor \u203a Alpha works \u203a Refit \u203a RACK-1 \u203a SHELF-1"
        in found
    )
    assert "<html" not in found
    assert "Nothing found" in client.get("/assets/tree?q=nowhere").text


def test_a_long_level_comes_in_parts(world, sign_in, monkeypatch):
    monkeypatch.setattr(queries, "LEVEL", 2)
    client = sign_in(*EVERYTHING)
    for number in range(4):
        factories.make_asset(
            tag=f"M-{number}", client_id=world["alpha"].id, type_id=world["kind"].id
        )
    url, seen = f"/assets/tree/children?node=client:{world['alpha'].id}", []
    for _ in range(10):
        html = client.get(url, headers=HX).text
        seen += nodes(html)
        more = re.search(r'href="([^"]+)"[^>]*data-more', html)
        if more is None:
            break
        url = more[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 2 + 1 + 4
    last = factories.make_asset(tag="Z-9", client_id=world["alpha"].id, type_id=world["kind"].id)
    shown = nodes(client.get(f"/assets/tree?open=asset:{last.id}").text)
    assert f"asset:{last.id}" in shown and f"asset:{world['loose'].id}" not in shown
    for wrong in ("asset", "location:1:x", "asset:x:y"):
        page = f"{url.partition('&')[0]}&after={wrong}"
        assert client.get(page, headers=HX).status_code == 400


def test_the_number_of_statements_is_fixed(world, sign_in, statements):
    client = sign_in(*EVERYTHING, location_id=world["top"].id)
    for path, most in (
        ("/assets/tree", 3),
        (f"/assets/tree?open=asset:{world['disk'].id}", 6),
        (f"/assets/tree/children?node=client:{world['alpha'].id}", 4),
        ("/assets/tree?q=a", 8),
    ):
        with statements() as seen:
            assert client.get(path, headers=HX).status_code == 200
        assert len(seen) <= most, (path, seen)


def test_archived_assets_are_not_in_the_tree(world, sign_in, owner):
    owner.execute("BEGIN")
    owner.execute("SET session_replication_role = replica")
    owner.execute("UPDATE assets SET deleted_at = now() WHERE id = %s", [world["loose"].id])
    owner.execute("COMMIT")
    owner.execute("SET session_replication_role = origin")
    client = sign_in(*EVERYTHING)
    shown = children(client, f"client:{world['alpha'].id}")
    assert f"asset:{world['loose'].id}" not in shown
    assert children(client, f"location:{world['floor'].id}") == {
        f"client:{world['alpha'].id}": (1, 4)
    }


def test_places_tell_of_their_assets_to_who_may_open_them(world, sign_in):
    alpha = world["alpha"]
    page = f"/organisation/clients/{alpha.id}"
    summary = f"/assets/tree/client/{alpha.id}/summary"
    client = sign_in(*EVERYTHING)
    assert summary in client.get(page).text
    text = client.get(summary).text
    assert "5 assets" in text and "Show in the tree" in text
    without = sign_in("organisation", "dashboard")
    assert summary not in without.get(page).text
    assert without.get(summary).status_code == 403
    # The page of assets reaches less than that of the organisation: so does the figure.
    narrow = sign_in("organisation", "dashboard")
    factories.grant(narrow.user, factories.make_role("assets"), project_id=world["one"].id)
    assert summary in narrow.get(page).text
    assert "3 assets" in narrow.get(summary).text


def test_several_nodes_open_with_one_request(world, sign_in, statements):
    url = "/assets/tree/children"
    wanted = [f"location:{world['top'].id}", f"location:{world['far'].id}", "location:999999"]
    client = sign_in(*EVERYTHING, location_id=world["top"].id)
    with statements() as seen:
        reply = client.get(url, query_string={"node": wanted, "level": 2}, headers=HX)
    assert reply.status_code == 200 and len(seen) <= 7
    parts = dict(
        re.findall(r'<ul data-branch="([^"]+)">(.*?)(?=<ul data-branch|\Z)', reply.text, re.DOTALL)
    )
    assert set(parts) == {wanted[0]}  # of what is out of sight nothing is told
    assert nodes(parts[wanted[0]]) == {f"location:{world['floor'].id}": (2, 5)}
    inside = [f"{kind}:{world[key].id}" for kind, key in (("project", "one"), ("asset", "rack"))]
    both = client.get(url, query_string={"node": inside, "level": 5}, headers=HX).text
    for node in inside:  # a node and one that lies in it: neither is drawn inside the other
        alone = client.get(url, query_string={"node": node, "level": 5}, headers=HX).text
        assert nodes(alone).keys() <= nodes(both).keys()
    many = [f"location:{number}" for number in range(1, 22)]
    assert client.get(url, query_string={"node": many}, headers=HX).status_code == 400
    assert client.get(url, query_string={"node": wanted}).status_code == 303


def test_the_record_leads_up_and_into_the_tree(world, sign_in):
    """Every step of where it lies is a link; of places to the register, where the organisation is closed."""
    alpha, one, rack = world["alpha"], world["one"], world["rack"]
    for rights, ways in (
        (
            EVERYTHING,
            (
                f"/organisation/locations/{world['top'].id}",
                f"/organisation/locations/{world['floor'].id}",
                f"/organisation/clients/{alpha.id}",
                f"/organisation/projects/{one.id}",
            ),
        ),
        (
            ("assets",),
            (
                f"/assets?place=location:{world['top'].id}",
                f"/assets?place=location:{world['floor'].id}",
                f"/assets?place=client:{alpha.id}",
                f"/assets?place=project:{one.id}",
            ),
        ),
    ):
        client = sign_in(*rights)
        page = client.get("/assets/DISK-1").text
        crumbs = re.search(r'aria-label="Where it lies">(.*?)</nav>', page, re.DOTALL)[1]
        links = [link.replace("%3A", ":") for link in re.findall(r'href="([^"]+)"', crumbs)]
        assert links == [*ways, "/assets/RACK-1?client=ALPHA", "/assets/SHELF-1?client=ALPHA"]
        for link in links:
            assert client.get(link).status_code == 200, link
        tree = f"/assets/tree?open=asset:{world['disk'].id}"
        assert tree in page.replace("%3A", ":")
        shown = client.get(tree).text
        assert f'data-here="asset:{world["disk"].id}"' in shown
        assert {f"asset:{rack.id}", f"asset:{world['disk'].id}"} <= nodes(shown).keys()
