"""Types are shaped by rows of fields; what a change would break or hide is said before it is saved."""

import psycopg
import pytest

from tests import factories


@pytest.fixture
def boss(sign_in):
    return sign_in("*")


def rows(*attributes):
    """The fields of rows, as the form sends them."""
    sent = {}
    for number, one in enumerate(attributes):
        plain = {"key": "", "kind": "text", "unit": "", "choices": ""} | one
        for part, value in plain.items():
            if value is not False:
                sent[f"attributes-{number}-{part}"] = value
    return sent


def stored(owner, type_id):
    return owner.execute("SELECT * FROM asset_types WHERE id = %s", [type_id]).fetchone()


def save(boss, kind, *attributes, **more):
    data = {"name": kind.name, "version": kind.version} | more | rows(*attributes)
    return boss.post(f"/assets/types/{kind.id}/edit", data=data)


def test_a_type_gets_keys_from_its_labels(boss, owner, audit_rows):
    sent = rows(
        {"label": "Mémoire vive", "kind": "number", "unit": "GB", "required": "y"},
        {"label": "Farbe", "kind": "choice", "choices": "Rot\n\n Blau \n"},
        {"label": "Farbe"},
        {"label": "4G?", "kind": "yesno", "unit": "left over"},
        {"label": ""},
    )
    reply = boss.post("/assets/types/new", data={"name": "Telefon"} | sent)
    assert reply.status_code == 303
    row = owner.execute("SELECT * FROM asset_types").fetchone()
    assert [one["key"] for one in row["attributes"]] == ["memoire_vive", "farbe", "farbe_2", "a_4g"]
    assert row["attributes"][1]["choices"] == ["Rot", "Blau"]
    assert row["attributes"][0]["required"] and row["attributes"][3]["unit"] == ""
    assert audit_rows("asset_type", row["id"])[0]["action"] == "asset_type.created"
    page = boss.get(reply.location).text
    assert "Mémoire vive" in page and "Rot, Blau" in page
    assert "Telefon" in boss.get("/assets/types").text
    twin = boss.post("/assets/types/new", data={"name": "telefon"})
    assert twin.status_code == 422 and "There is a type with this name." in twin.text


BAD = [
    {"label": "", "unit": "GB", "kind": "number"},
    {"label": "x" * 81},
    {"label": "two\nlines"},
    {"label": "Fine", "kind": "blob"},
    {"label": "Fine", "kind": "choice"},
    {"label": "Fine", "kind": "choice", "choices": "A\na"},
    {"label": "Fine", "kind": "choice", "choices": "x" * 121},
    {"label": "Fine", "kind": "number", "unit": "u" * 21},
    {"label": "Fine", "key": "Not A Key"},
    {"label": "漢字", "key": "__class__"},
]


@pytest.mark.parametrize("row", BAD)
def test_a_wrong_row_is_marked(boss, owner, row):
    reply = boss.post("/assets/types/new", data={"name": "Pump"} | rows({"label": "Good"}, row))
    assert reply.status_code == 422 and 'aria-invalid="true"' in reply.text
    assert 'value="Good"' in reply.text
    assert not owner.execute("SELECT FROM asset_types").fetchall()


def test_other_bad_input(boss, owner):
    many = rows(*({"label": f"Row {n}"} for n in range(41)))
    reply = boss.post("/assets/types/new", data={"name": "Pump"} | many)
    assert reply.status_code == 422
    same = rows({"label": "A", "key": "a"}, {"label": "B", "key": "a"})
    assert boss.post("/assets/types/new", data={"name": "Pump"} | same).status_code == 422
    for strange in ("attributes-99-label", "attributes-0-evil", "attributes", "deleted_at"):
        data = {"name": "Pump", "attributes-0-label": "A"} | {strange: "x"}
        assert boss.post("/assets/types/new", data=data).status_code == 400
    assert not owner.execute("SELECT FROM asset_types").fetchall()
    for url in ("0", "x", "999999", str(2**70), "999999/edit"):
        assert boss.get(f"/assets/types/{url}").status_code == 404


def test_rows_are_added_moved_and_removed_without_saving(boss, owner):
    kind = factories.make_type("Pump", {"key": "a"}, {"key": "b"})
    url = f"/assets/types/{kind.id}/edit"
    data = {"name": "Typed", "version": 1} | rows({"key": "a", "label": "First"}, {"label": "New"})
    asked = {"HX-Request": "true"}
    for wish, order in (
        ("add", ["First", "New", ""]),
        ("up-1", ["New", "First"]),
        ("down-0", ["New", "First"]),
        ("remove-0", ["New"]),
        ("up-0", ["First", "New"]),
        ("remove-77", ["First", "New"]),
        ("nonsense", ["First", "New"]),
    ):
        part = boss.post(f"{url}?do={wish}", data=data, headers=asked)
        assert part.status_code == 200 and "<html" not in part.text
        found = [part.text.find(f'value="{label}"') for label in order if label]
        assert found == sorted(found) and -1 not in found, wish
        assert part.text.count('class="attribute-row"') == len(order)
    whole = boss.post(f"{url}?do=add", data=data)
    assert "Typed" in whole.text and "<html" in whole.text
    assert stored(owner, kind.id)["version"] == 1


BREAKING = [
    ({"key": "ram", "kind": "text", "required": True}, {"ram": None}, "required, but empty"),
    ({"key": "ram", "kind": "number"}, {"ram": "many"}, "value of another kind"),
    ({"key": "ram", "kind": "date"}, {"ram": "2026-13-01"}, "value of another kind"),
    ({"key": "ram", "kind": "link"}, {"ram": "www"}, "value of another kind"),
    ({"key": "ram", "kind": "yesno"}, {"ram": "yes"}, "value of another kind"),
    ({"key": "ram", "kind": "choice", "choices": ["a"]}, {"ram": "b"}, "value of another kind"),
]


@pytest.mark.parametrize(("rule", "values", "said"), BREAKING)
def test_what_would_break_is_shown_and_refused(boss, owner, rule, values, said):
    kind = factories.make_type("Pump", {"key": "ram"})
    values = {key: value for key, value in values.items() if value}
    factories.make_asset("Broken one", type_id=kind.id, tag="BR-1", attributes=values)
    sent = {"label": "Ram"} | rule | {"choices": "\n".join(rule.get("choices", []))}
    sent["required"] = "y" if rule.get("required") else False
    reply = save(boss, kind, sent)
    assert reply.status_code == 422
    assert "/assets/BR-1" in reply.text and said in reply.text and "Nothing was saved" in reply.text
    assert stored(owner, kind.id)["version"] == 1


def test_a_choice_that_is_used_cannot_go(boss, owner):
    kind = factories.make_type("Pump", {"key": "c", "kind": "choice", "choices": ["Red", "Blue"]})
    factories.make_asset(type_id=kind.id, attributes={"c": "Red"}, tag="RED")
    row = {"key": "c", "label": "C", "kind": "choice"}
    reply = save(boss, kind, row | {"choices": "Blue"})
    assert reply.status_code == 422 and "a choice that is gone" in reply.text
    assert save(boss, kind, row | {"choices": "Green\nRed"}).status_code == 303


def test_unique_is_refused_for_doubles_and_entered_for_the_rest(boss, owner):
    kind = factories.make_type("Phone", {"key": "imei"})
    one = factories.make_asset(type_id=kind.id, attributes={"imei": "AB"}, tag="U-1")
    factories.make_asset(type_id=kind.id, attributes={"imei": "ab"})  # of another client
    twin = factories.make_asset(
        type_id=kind.id, client_id=one.client_id, attributes={"imei": "ab"}, tag="U-2"
    )
    row = {"key": "imei", "label": "Imei", "unique": "y"}
    reply = save(boss, kind, row)
    assert reply.status_code == 422 and "U-1" in reply.text and "U-2" in reply.text
    assert "another asset of the client" in reply.text
    with factories.work():
        from webapp.assets.models import Asset
        from webapp.core.db import db

        db.session.get_one(Asset, twin.id).attributes = {"imei": "cd"}
    assert save(boss, kind, row).status_code == 303
    found = owner.execute("SELECT value FROM asset_unique_values ORDER BY value").fetchall()
    assert [one["value"] for one in found] == ["ab", "ab", "cd"]
    assert save(boss, kind, row | {"unique": False}, version=2).status_code == 303
    assert not owner.execute("SELECT FROM asset_unique_values").fetchall()


def test_values_of_a_removed_attribute_are_hidden_once_it_is_said(boss, owner):
    kind = factories.make_type("Phone", {"key": "imei"}, {"key": "note"})
    asset = factories.make_asset(type_id=kind.id, attributes={"note": "secret"}, tag="N-1")
    reply = save(boss, kind, {"key": "imei", "label": "Imei"})
    assert reply.status_code == 422 and "Note: 1 asset" in reply.text
    assert stored(owner, kind.id)["version"] == 1
    assert save(boss, kind, {"key": "imei", "label": "Imei"}, hide="y").status_code == 303
    assert "secret" not in boss.get("/assets/N-1").text
    kept = owner.execute("SELECT attributes FROM assets WHERE id = %s", [asset.id]).fetchone()
    assert kept["attributes"] == {"note": "secret"}


def test_a_stale_save_shows_both_versions(boss, owner):
    kind = factories.make_type("Phone", {"key": "imei"})
    assert save(boss, kind, {"key": "imei", "label": "Theirs"}).status_code == 303
    reply = save(boss, kind, {"key": "imei", "label": "Mine"})
    assert reply.status_code == 409 and "Theirs" in reply.text and 'value="Mine"' in reply.text
    assert stored(owner, kind.id)["attributes"][0]["label"] == "Theirs"


def test_a_type_with_assets_stays(boss):
    kind = factories.make_type("Phone")
    asset = factories.make_asset(type_id=kind.id)
    url = f"/assets/types/{kind.id}"
    reply = boss.post(f"{url}/delete", data={"version": 1})
    assert reply.status_code == 409 and "Assets of this type exist" in reply.text
    assert boss.post(f"/assets/{asset.tag}/archive").status_code == 303
    assert boss.post(f"{url}/delete", data={"version": 1}).status_code == 303
    assert "Phone" not in boss.get("/assets/types?q=phone").text.split("<table")[-1]
    assert "Phone" in boss.get("/assets/types?deleted=1").text
    assert save(boss, kind, version=2).status_code == 422
    assert boss.post(f"{url}/restore").status_code == 303


def test_only_who_configures_everywhere_changes_types(sign_in):
    kind = factories.make_type("Phone")
    asset = factories.make_asset(type_id=kind.id)
    reader = sign_in("assets.types")
    assert "/edit" not in reader.get(f"/assets/types/{kind.id}").text
    assert reader.get(f"/assets/types/{kind.id}/edit").status_code == 403
    scoped = sign_in("assets.types", "assets.configure", client_id=asset.client_id)
    assert "/edit" not in scoped.get(f"/assets/types/{kind.id}").text
    assert save(scoped, kind, {"label": "X"}).status_code == 403
    assert scoped.post("/assets/types/new", data={"name": "Mine"}).status_code == 403


def test_the_list_counts_in_one_statement(boss, statements):
    kind = factories.make_type("Counted")
    for _ in range(3):
        factories.make_asset(type_id=kind.id)
    for number in range(12):
        factories.make_type(f"Kind {number}")
    with statements() as seen:
        page = boss.get("/assets/types").text
    assert len(seen) <= 4, seen
    assert f'/assets?type={kind.id}">3<' in page


def test_a_type_waits_for_assets_that_are_being_changed(boss, owner, app_role):
    kind = factories.make_type("Phone", {"key": "imei"})
    asset = factories.make_asset(type_id=kind.id)
    with owner.transaction(force_rollback=True):
        owner.execute('UPDATE assets SET attributes = \'{"imei": "1"}\' WHERE id = %s', [asset.id])
        with pytest.raises(psycopg.errors.LockNotAvailable):
            app_role.execute("SELECT FROM asset_types WHERE id = %s FOR UPDATE NOWAIT", [kind.id])


def test_a_refusal_in_json_names_the_field(boss):
    asked = {"Accept": "application/json"}
    reply = boss.post("/assets/types/new", json={"name": ""}, headers=asked)
    assert reply.status_code == 422 and "name" in reply.json["error"]["fields"]
    sent = {"name": "Pump", "attributes-0-label": "Bar", "attributes-0-kind": "number"}
    done = boss.post("/assets/types/new", json=sent, headers=asked)
    assert done.status_code == 200 and done.json["data"]["url"].startswith("/assets/types/")
