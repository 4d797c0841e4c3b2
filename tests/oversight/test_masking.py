"""Which values of the log a reader may know, and where."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests import factories
from webapp.access.grants import Grant
from webapp.audit.wording import COVER
from webapp.core.object_types import TYPES
from webapp.oversight.masking import PAGES, Mask


def grant(*pages: str, **place: Any) -> Grant:
    return Grant(
        id=1, role_id=1, role="R", pages=frozenset(pages), permissions=frozenset(), **place
    )


def row(action: str, kind: str | None, client_id: int | None = None, **changes: Any) -> Any:
    return SimpleNamespace(
        action=action,
        object_type=kind,
        client_id=client_id,
        changes=changes,
        object_label="Label",
        id=5,
    )


@pytest.mark.parametrize(
    ("grants", "kind", "client", "hidden"),
    [
        ([grant("audit")], "ticket", 1, True),
        ([grant("audit", "tickets")], "ticket", 1, False),
        ([grant("audit", "tickets")], "ticket", None, False),
        ([grant("audit"), grant("tickets", client_id=1)], "ticket", 1, False),
        ([grant("audit"), grant("tickets", client_id=1)], "ticket", 2, True),
        ([grant("audit"), grant("tickets", client_id=1)], "ticket", None, True),
        ([grant("audit"), grant("tickets", project_id=1)], "ticket", 1, True),
        ([grant("audit"), grant("assets", client_id=1)], "ticket", 1, True),
        ([grant("audit"), grant("users", client_id=1)], "user", None, False),
        ([grant("audit"), grant("roles")], "user", None, True),
        ([grant("audit"), grant("roles")], "user_role", None, False),
        ([grant("audit", "tickets")], "attachment", 1, True),
        ([grant("audit", "tickets", "assets")], "attachment", 1, False),
        ([grant("audit")], "job", None, True),
        ([grant("audit")], "audit_export", None, False),
        ([grant("audit")], None, None, False),
    ],
)
def test_values_are_for_whoever_may_open_the_record(
    grants: list[Grant], kind: str | None, client: int | None, hidden: bool
) -> None:
    assert Mask(grants).hides(kind, client) is hidden


def test_a_role_in_a_location_reaches_the_clients_there(app: Any) -> None:
    here, there = factories.make_location(), factories.make_location()
    near = factories.make_client(location_id=here.id)
    far = factories.make_client(location_id=there.id)
    held = grant("audit", "assets", location_id=here.id, location_ids=frozenset({here.id}))
    with app.test_request_context(), factories.work():
        mask = Mask([held])
        assert not mask.hides("asset", near.id)
        assert mask.hides("asset", far.id)


def test_what_is_covered_keeps_its_fields_and_its_label() -> None:
    mask = Mask([grant("audit")])
    seen = mask.seen(row("asset.updated", "asset", 1, cost=["1", "2"], to="x", rows=7))
    assert seen.changes == {"cost": [COVER, COVER], "to": COVER, "rows": 7}
    assert (seen.object_label, seen.id) == ("Label", 5)
    assert (
        mask.seen(row("ticket.replied", "ticket_message", 1, body=[None, "x"])).object_label
        == COVER
    )


def test_of_a_file_the_row_may_say_whose_it_is() -> None:
    mask = Mask([grant("audit", "tickets")])
    assert not mask.hides_row(row("attachment.created", "attachment", 1, ticket_id=[None, 3]))
    assert mask.hides_row(row("attachment.created", "attachment", 1, asset_id=[None, 3]))
    assert mask.hides_row(row("attachment.renamed", "attachment", 1, name=["a", "b"]))


def test_who_got_a_role_is_for_those_who_see_roles_or_people() -> None:
    given = row("role.assigned", "user", None, role=[None, "Auditor"])
    assert Mask([grant("audit")]).hides_row(given)
    assert not Mask([grant("audit", "roles")]).hides_row(given)


def test_searching_for_values_has_to_leave_out_what_is_covered_anywhere() -> None:
    everything = Mask([grant(*{page for pages in PAGES.values() for page in pages})])
    assert everything.covers_any == frozenset()
    narrow = Mask([grant("audit", "assets"), grant("tickets", client_id=1)])
    assert {"ticket", "attachment", "user"} <= narrow.covers_any
    assert "asset" not in narrow.covers_any


def test_every_kind_of_record_is_decided_about() -> None:
    its_own = {"audit_export", "audit_seal", "audit_check", "saved_view", "attachment"}
    assert TYPES.keys() - PAGES.keys() == its_own
