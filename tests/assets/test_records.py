"""An asset is added, changed, archived as its type, its place and its status allow; nothing else is taken."""

import pytest

from tests import factories

RULES = (
    {"key": "ram", "kind": "number", "unit": "GB", "required": True},
    {"key": "colour", "kind": "choice", "choices": ["Red", "Blue"]},
    {"key": "ends", "kind": "date"},
    {"key": "wifi", "kind": "yesno"},
    {"key": "manual", "kind": "link"},
    {"key": "imei", "kind": "text", "unique": True},
)
FINE = {
    "attribute-ram": "16,5",
    "attribute-colour": "Red",
    "attribute-ends": "2027-02-28",
    "attribute-wifi": "true",
    "attribute-manual": "https://example.com/a?b=1",
    "attribute-imei": "AB-1",
}


@pytest.fixture
def boss(sign_in):
    return sign_in("*")


@pytest.fixture
def kind(app):
    return factories.make_type("Laptop", *RULES)


@pytest.fixture
def acme(app):
    return factories.make_client("Acme")


@pytest.fixture
def typed(kind, acme):
    """What a person types for a new asset."""
    return {"name": "Big one", "type_id": kind.id, "place": f"client:{acme.id}"} | FINE


def stored(owner, tag):
    return owner.execute("SELECT * FROM assets WHERE tag = %s", [tag]).fetchone()


def edits(asset, **changes):
    """The form of an asset as it stands, with changes."""
    return {
        "name": asset.name,
        "tag": asset.tag,
        "type_id": asset.type_id,
        "place": f"client:{asset.client_id}",
        "version": asset.version,
    } | changes


def test_an_asset_gets_what_was_typed(boss, owner, typed, audit_rows):
    more = {"tag": "L-1", "serial": "S1", "cost": "1 250,50", "warranty_until": "2028-01-31"}
    reply = boss.post("/assets/new", data=typed | more | {"notes": "two\nlines"})
    assert reply.status_code == 303 and reply.location.endswith("/assets/L-1")
    row = stored(owner, "L-1")
    assert row["attributes"] == {
        "ram": 16.5,
        "colour": "Red",
        "ends": "2027-02-28",
        "wifi": True,
        "manual": "https://example.com/a?b=1",
        "imei": "AB-1",
    }
    assert str(row["cost"]) == "1250.50" and row["status"] == "in_stock"
    assert audit_rows("asset", row["id"])[0]["action"] == "asset.created"
    shown = boss.get("/assets/l-1").text
    assert "16.5 GB" in shown and 'rel="noopener noreferrer"' in shown and "Yes" in shown
    assert "created the asset" in boss.get("/assets/L-1/history").text


def test_without_a_tag_it_gets_the_next_one_and_another_can_follow(boss, typed, kind, acme):
    reply = boss.post("/assets/new", data=typed | {"then": "another"})
    assert reply.status_code == 303 and f"type={kind.id}" in reply.location
    page = boss.get(reply.location).text
    assert "Laptop" in page and "Acme" in page and "attribute-ram" in page


def test_a_copy_leaves_out_what_is_its_own(boss, owner, typed):
    boss.post("/assets/new", data=typed | {"tag": "L-1", "serial": "SERIAL9"})
    page = boss.get("/assets/new?from=L-1").text
    assert 'value="16.5"' in page and 'value="Big one"' in page
    assert "SERIAL9" not in page and "AB-1" not in page
    assert boss.get("/assets/new?from=NIX").status_code == 404


def test_an_asset_inside_another_is_where_that_one_is(boss, owner, typed):
    project = factories.make_project("Rollout")
    rack = factories.make_asset("Rack", client_id=project.client_id, project_id=project.id)
    data = typed | {"tag": "IN-1", "place": "", "parent_id": rack.id}
    assert boss.post("/assets/new", data=data).status_code == 303
    row = stored(owner, "IN-1")
    assert (row["client_id"], row["project_id"]) == (project.client_id, project.id)
    page = boss.get("/assets/IN-1").text
    assert "Rollout" in page and rack.tag in page
    assert "IN-1" in boss.get(f"/assets/{rack.tag}").text
    assert "IN-1" in boss.get(f"/assets/{rack.tag}/inside").text
    elsewhere = typed | {"tag": "IN-2", "parent_id": rack.id}
    reply = boss.post("/assets/new", data=elsewhere)
    assert reply.status_code == 422 and 'aria-invalid="true"' in reply.text


BAD = [
    ("name", ""),
    ("name", "x" * 201),
    ("name", "bell\x07"),
    ("tag", "has space"),
    ("tag", "new"),
    ("tag", "../up"),
    ("type_id", ""),
    ("type_id", "abc"),
    ("type_id", "999999"),
    ("type_id", str(2**70)),
    ("place", ""),
    ("place", "client:999999"),
    ("place", "location:1"),
    ("place", "client:1 OR 1=1"),
    ("parent_id", "999999"),
    ("parent_id", "-1"),
    ("status", "burnt"),
    ("cost", "-1"),
    ("cost", "1e5"),
    ("cost", "NaN"),
    ("purchased_on", "soon"),
    ("serial", "x" * 121),
    ("attribute-ram", ""),
    ("attribute-ram", "much"),
    ("attribute-ram", "1e99"),
    ("attribute-colour", "Green"),
    ("attribute-ends", "2027-02-30"),
    ("attribute-wifi", "perhaps"),
    ("attribute-manual", "javascript:alert(1)"),
    ("attribute-imei", "x" * 501),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_bad_input_adds_nothing_and_says_where(boss, owner, typed, field, value):
    if field == "type_id":  # no type, no attributes
        typed = {k: v for k, v in typed.items() if not k.startswith("attribute-")}
    reply = boss.post("/assets/new", data=typed | {field: value})
    assert reply.status_code == 422, reply.text[-500:]
    assert 'aria-invalid="true"' in reply.text
    assert not owner.execute("SELECT FROM assets").fetchall()


def test_attributes_of_another_type_are_refused(boss, owner, typed):
    assert boss.post("/assets/new", data=typed | {"attribute-wings": "2"}).status_code == 400
    assert boss.post("/assets/new", data=typed | {"deleted_at": "now"}).status_code == 400
    assert boss.post("/assets/new", data=typed | {"client_id": "1"}).status_code == 400
    assert not owner.execute("SELECT FROM assets").fetchall()


def test_a_tag_and_a_unique_value_are_taken_once(boss, typed):
    assert boss.post("/assets/new", data=typed | {"tag": "T-1"}).status_code == 303
    reply = boss.post("/assets/new", data=typed | {"tag": "t-1", "attribute-imei": ""})
    assert reply.status_code == 422 and "There is an asset with this tag." in reply.text
    reply = boss.post("/assets/new", data=typed | {"tag": "T-2", "attribute-imei": "ab-1"})
    assert reply.status_code == 422 and "must be unique" in reply.text


def test_the_fields_follow_the_type(boss, kind, typed):
    other = factories.make_type("Pump", {"key": "ram", "label": "Ram 100 %"}, {"key": "bar"})
    part = boss.get(f"/assets/new/attributes?type_id={other.id}&attribute-ram=kept&x=1")
    assert "attribute-bar" in part.text and 'value="kept"' in part.text and "100 %" in part.text
    assert "attribute-imei" not in part.text
    # The fields of the type before were still there when the form was sent: shown again, not lost.
    sent = typed | {"type_id": other.id, "type_was": kind.id}
    reply = boss.post("/assets/new", data=sent)
    assert reply.status_code == 422 and "attribute-bar" in reply.text
    assert "other type" in reply.text and "attribute-imei" not in reply.text


def test_a_stale_save_shows_both_versions_and_loses_nothing(boss, owner, kind, typed):
    boss.post("/assets/new", data=typed | {"tag": "E-1"})
    data = typed | {"tag": "E-1", "version": 1}
    assert boss.get("/assets/E-1/edit").text.count('value="16.5"') == 1
    first = boss.post("/assets/E-1/edit", data=data | {"attribute-ram": "32"})
    assert first.status_code == 303
    reply = boss.post("/assets/E-1/edit", data=data | {"attribute-ram": "64", "notes": "long"})
    assert reply.status_code == 409
    assert ">32<" in reply.text.replace("\n", "") and 'value="64"' in reply.text
    assert "long" in reply.text
    row = stored(owner, "E-1")
    assert (
        row["attributes"]["ram"] == 32 and f'name="version" value="{row["version"]}"' in reply.text
    )
    again = boss.post("/assets/E-1/edit", data=data | {"version": row["version"], "tag": "E-2"})
    assert again.status_code == 303 and again.location.endswith("/assets/E-2")
    without = {name: value for name, value in data.items() if name != "version"}
    assert boss.post("/assets/E-2/edit", data=without).status_code == 409


def test_one_tag_of_two_clients_asks_which(boss, sign_in, typed):
    one, two = (factories.make_asset(f"Asset {n}", tag="DUP") for n in (1, 2))
    page = boss.get("/assets/DUP").text
    assert "Which DUP do you mean?" in page and "Asset 1" in page and "Asset 2" in page
    assert boss.get("/assets/DUP/edit").status_code == 300
    client = sign_in("assets", client_id=two.client_id)
    assert "<h1>" in client.get("/assets/DUP").text.replace("\n", "").replace("  ", "")
    assert "Asset 1" not in client.get("/assets/DUP").text
    by_id = boss.get(f"/assets/by-id/{one.id}")
    assert by_id.status_code == 303 and "Asset 1" in boss.get(by_id.location).text
    assert client.get(f"/assets/by-id/{one.id}").status_code == 404
    assert boss.get("/assets/DUP?client=NOBODY").status_code == 404


def test_only_allowed_states_are_offered_and_taken(boss, owner, audit_rows):
    asset = factories.make_asset(tag="S-1", status="retired")
    page = boss.get("/assets/S-1").text
    assert '<option value="in_stock">' in page and '<option value="in_use">' not in page
    reply = boss.post("/assets/S-1/status", data={"status": "in_use"})
    assert reply.status_code == 409 and "cannot get that one" in reply.text
    assert boss.post("/assets/S-1/status", data={"status": "burnt"}).status_code == 422
    sent = {"status": "in_stock", "reason": "Found again"}
    assert boss.post("/assets/S-1/status", data=sent).status_code == 303
    assert stored(owner, "S-1")["status"] == "in_stock"
    assert audit_rows("asset", asset.id)[-1]["reason"] == "Found again"
    assert "“retired” to “in stock”" in boss.get("/assets/S-1/history").text


@pytest.mark.parametrize(
    "status", ["planned", "in_stock", "in_use", "in_repair", "retired", "lost"]
)
def test_the_menu_offers_what_the_table_says(boss, owner, status):
    factories.make_asset(tag="S-1", status=status)
    rows = owner.execute(
        "SELECT to_status FROM asset_status_transitions WHERE from_status = %s", [status]
    ).fetchall()
    page = boss.get("/assets/S-1").text
    states = ("planned", "in_stock", "in_use", "in_repair", "retired", "lost")
    offered = {one for one in states if f'<option value="{one}">' in page}
    assert offered == {row["to_status"] for row in rows}


def test_who_has_it_keeps_it_in_use_and_from_the_archive(boss, owner):
    asset = factories.make_asset(tag="H-1")
    sent = {"holder": f"user:{boss.user.id}"}
    assert boss.post("/assets/H-1/check-out", data=sent).status_code == 303
    page = boss.get("/assets/H-1").text
    assert boss.user.name in page and "Check in" in page and 'name="status"' not in page
    reply = boss.post("/assets/H-1/status", data={"status": "in_stock"})
    assert reply.status_code == 409 and "Take it back first" in reply.text
    reply = boss.post("/assets/H-1/archive", data={"reason": ""})
    assert reply.status_code == 409 and "Take it back first" in reply.text
    row = owner.execute(
        "SELECT status, deleted_at FROM assets WHERE id = %s", [asset.id]
    ).fetchone()
    assert row == {"status": "in_use", "deleted_at": None}


def test_archive_and_restore(boss, owner, audit_rows):
    rack = factories.make_asset(tag="R-1")
    inner = factories.make_asset(tag="R-2", client_id=rack.client_id, parent_id=rack.id)
    reply = boss.post("/assets/R-1/archive", data={"reason": "old"})
    assert reply.status_code == 409 and "Something lies inside it" in reply.text
    assert boss.post("/assets/R-2/archive", data={"reason": "old"}).status_code == 303
    assert audit_rows("asset", inner.id)[-1]["reason"] == "old"
    page = boss.get("/assets/R-2").text
    assert "This asset is archived" in page and "/assets/R-2/edit" not in page
    reply = boss.post("/assets/R-2/edit", data=edits(inner, version=2))
    assert reply.status_code == 422 and "Restore it first" in reply.text
    assert boss.post("/assets/R-2/restore").status_code == 303
    assert stored(owner, "R-2")["deleted_at"] is None
    assert "archived the asset" in boss.get("/assets/R-2/history").text


def test_people_see_and_do_what_their_roles_cover(sign_in):
    mine, theirs = factories.make_asset(tag="M-1"), factories.make_asset(tag="X-1")
    reader = sign_in("assets", client_id=mine.client_id)
    page = reader.get("/assets/M-1").text
    for word in ("/assets/M-1/edit", "/assets/M-1/status", "/assets/M-1/archive", "check-out"):
        assert word not in page
    assert reader.get("/assets/M-1/edit").status_code == 403
    assert reader.post("/assets/M-1/archive").status_code == 403
    for way in ("", "/edit", "/history", "/inside"):
        assert reader.get(f"/assets/X-1{way}").status_code in (403, 404)
    editor = sign_in("assets", "assets.edit", client_id=mine.client_id)
    assert editor.get("/assets/X-1/edit").status_code == 404
    data = edits(mine, place=f"client:{theirs.client_id}")
    reply = editor.post("/assets/M-1/edit", data=data)
    assert reply.status_code == 422 and 'aria-invalid="true"' in reply.text


def test_hostile_names_are_shown_as_text(boss, kind, acme, typed):
    evil = '"><script>alert(1)</script>{{ 7*7 }} %(x)s \u202e'
    assert boss.post("/assets/new", data=typed | {"name": evil}).status_code == 422
    name = evil.replace("\u202e", "")
    data = typed | {"name": name, "tag": "EV-1", "attribute-imei": "<img src=x>"}
    assert boss.post("/assets/new", data=data).status_code == 303
    for way in ("", "/edit", "/history", "?tab=custody"):
        page = boss.get(f"/assets/EV-1{way}").text
        assert "<script>alert" not in page and "<img src=x>" not in page
    for url in ("/assets/%00", "/assets/" + "x" * 300, "/assets/%27%20OR"):
        assert boss.get(url).status_code in (400, 404)


def test_the_page_needs_few_statements(boss, statements, kind):
    project = factories.make_project()
    place = {"client_id": project.client_id, "project_id": project.id}
    rack = factories.make_asset(tag="RK", **place)
    box = factories.make_asset(tag="BX", parent_id=rack.id, **place)
    for _ in range(12):
        factories.make_asset(parent_id=box.id, **place)
    boss.get("/assets/BX")
    for way, most in (("", 9), ("/history", 8), ("/inside", 8), ("/edit", 8), ("?tab=custody", 6)):
        with statements() as seen:
            page = boss.get(f"/assets/BX{way}")
        assert page.status_code == 200 and len(seen) <= most, (way, seen)


def test_a_refusal_in_json_names_the_attribute(boss, typed, kind, acme):
    asked = {"Accept": "application/json"}
    reply = boss.post("/assets/new", data=typed | {"attribute-ram": "abc"}, headers=asked)
    fields = reply.json["error"]["fields"]
    assert reply.status_code == 422 and "number" in fields["attribute-ram"][0]


def test_a_doubled_value_is_said_at_its_attribute(boss, sign_in, typed, kind, acme):
    assert boss.post("/assets/new", data=typed | {"tag": "L-1"}).status_code == 303
    twin = typed | {"tag": "L-2", "attribute-imei": "ab-1"}
    said = "Another asset of this client has this value"
    asked = {"Accept": "application/json"}
    fields = boss.post("/assets/new", data=twin, headers=asked).json["error"]["fields"]
    assert said in fields["attribute-imei"][0]
    page = boss.post("/assets/new", data=twin).text
    assert page.split('id="attribute-imei-error"')[1].find(said) > 0
    assert boss.post("/assets/new", data=twin | {"attribute-imei": "B"}).status_code == 303
    form = twin | {"version": 1}
    assert said in boss.post("/assets/L-2/edit", data=form).text
    assert boss.post("/assets/L-2/edit", data=form | {"attribute-imei": "b"}).status_code == 303
    project = factories.make_project(client_id=acme.id)
    scoped = sign_in("assets", "assets.edit", project_id=project.id)
    elsewhere = twin | {"tag": "L-3", "place": f"project:{project.id}"}
    refused = scoped.post("/assets/new", data=elsewhere)  # of what it cannot see
    assert refused.status_code == 422 and "must be unique" in refused.text


@pytest.mark.parametrize("status", ["lost", "retired"])
def test_nothing_begins_as_lost_or_retired(boss, typed, status):
    assert f'value="{status}"' not in boss.get("/assets/new").text
    reply = boss.post("/assets/new", data=typed | {"tag": "L-1", "status": status})
    assert reply.status_code == 422 and "A new asset is planned" in reply.text


def test_the_next_status_is_chosen_and_not_given(boss):
    asset = factories.make_asset()
    page = boss.get(f"/assets/{asset.tag}").text
    menu = page.split('name="status"')[1].split("</select>")[0]
    assert "Choose…" in menu.split("</option>")[0]
    reply = boss.post(f"/assets/{asset.tag}/status", data={"status": ""})
    assert reply.status_code == 422


def test_who_reads_json_is_told_where_it_is(boss, typed):
    asked = {"Accept": "application/json"}
    reply = boss.post("/assets/new", data=typed | {"tag": "L-1"}, headers=asked)
    said = [{"kind": "success", "text": "L-1 was added."}]
    assert reply.status_code == 200 and "Accept" in reply.vary
    assert reply.json == {"success": True, "data": {"url": "/assets/L-1", "messages": said}}
    assert "L-1 was added" not in boss.get("/assets/L-1").text
