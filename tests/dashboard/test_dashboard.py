"""The first page and the search tell only what the person may open."""

from datetime import UTC, datetime, timedelta

from tests import factories


def test_figures_follow_the_pages_that_one_may_open(sign_in):
    client = factories.make_client("Quiet corner")
    everything = sign_in("*").get("/").text
    assert "People active" in everything and "Recent changes" in everything
    assert "Quiet corner" in everything
    little = sign_in("dashboard").get("/").text
    for hidden in ("People active", "Recent changes", "Quiet corner", "Projects"):
        assert hidden not in little
    scoped = sign_in("dashboard", "audit", client_id=factories.make_client().id).get("/").text
    assert "Recent changes" in scoped and client.name not in scoped


def test_search_finds_people_only_for_those_who_may_see_them(sign_in):
    factories.make_user(name="Zelda Quint", email="zq@example.com")
    palette = {"HX-Request": "true", "HX-Request-Type": "partial"}
    assert "Zelda" in sign_in("users").get("/search?q=qui", headers=palette).text
    assert "Zelda" not in sign_in("organisation", "dashboard").get("/search?q=qui").text
    reply = sign_in("users").get("/search?q=' OR :* %26 !", headers=palette)
    assert reply.status_code == 200 and "<html" not in reply.text


def test_the_style_guide_shows_every_field(sign_in):
    reply = sign_in("dashboard").get("/styleguide")
    assert reply.status_code == 200 and "This needs another look" in reply.text


def test_assets_are_counted_and_found_within_the_scope(sign_in):
    mine, theirs = factories.make_client(), factories.make_client()
    soon = datetime.now(UTC).date() + timedelta(days=9)
    factories.make_asset("Quokka one", client_id=mine.id, warranty_until=soon, serial="QKA1")
    factories.make_asset("Quokka two", client_id=theirs.id, serial="QKA2")
    for scope, names in ((mine, {"one"}), (theirs, {"two"}), (None, {"one", "two"})):
        client = sign_in("dashboard", "assets", **({"client_id": scope.id} if scope else {}))
        found = client.get("/search?q=qka").text
        assert {word for word in ("one", "two") if f"Quokka {word}" in found} == names
        first = client.get("/").text
        assert "Overdue returns" in first
        assert ("1 with a warranty that ends" in first) is ("one" in names)
    assert "Quokka" not in sign_in("dashboard", "organisation").get("/search?q=quokka").text
