"""What a person has, for who sees assets but may not open people."""

from datetime import UTC, datetime, timedelta

from tests import factories
from webapp.assets.models import Custody, Status
from webapp.core.db import db


def test_who_sees_assets_sees_what_a_person_has_of_them(sign_in):
    luis = factories.make_user(name="Luis Prado")
    laptop = factories.make_asset("Laptop", tag="A-12", status=Status.IN_USE)
    today = datetime.now(UTC).date()
    with factories.work():
        db.session.add(
            Custody(
                client_id=laptop.client_id,
                asset_id=laptop.id,
                holder_user_id=luis.id,
                taken_at=datetime.now(UTC) - timedelta(days=5),
                due_on=today - timedelta(days=2),
            )
        )
    reader = sign_in("assets")
    page = reader.get(f"/assets/held-by/{luis.id}").text
    assert "Luis" in page and "A-12" in page and "over" in page and "/check-in" not in page
    assert luis.email not in page
    assert f"/assets/held-by/{luis.id}" in reader.get("/assets/A-12").text
    assert (
        "/assets/A-12/check-in"
        in sign_in("assets", "assets.custody").get(f"/assets/held-by/{luis.id}").text
    )
    # Who has nothing in sight is not named.
    elsewhere = sign_in("assets", client_id=factories.make_client().id)
    assert elsewhere.get(f"/assets/held-by/{luis.id}").status_code == 404
