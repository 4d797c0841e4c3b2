"""What a check of the log found is acknowledged: the warning goes, the finding stays, and what is new is told."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask_babel import force_locale
from pydantic import SecretStr

from tests.conftest import SECRET
from tests.oversight.test_integrity import (
    Owner,
    _own_app,
    app,
    auditor,
    keep_check,
    one,
    owner,
    tick,
)
from webapp.audit import faults
from webapp.core.config import Settings
from webapp.jobs import queue
from webapp.oversight import tasks

__all__ = ["_own_app", "app", "auditor", "owner"]  # fixtures
FAULT = {"kind": "row_altered", "seal": 1, "row": 7, "words": "Row 7 (x) is not what was sealed."}
OTHER = {"kind": "guard", "seal": None, "row": None, "words": "The function f() is missing."}
TOLD = "SELECT coalesce(sum(count), 0) FROM notifications WHERE user_id = %s"


@pytest.fixture(scope="module")
def settings(migrated_database: Callable[[str], str], tmp_path_factory: Any) -> Settings:
    return Settings(
        database_url=migrated_database("acknowledging"),
        secret_key=SecretStr(SECRET),
        data_dir=tmp_path_factory.mktemp("acknowledging"),
        log_level="CRITICAL",
    )


@pytest.fixture(autouse=True)
def _forgotten(owner: Owner) -> Iterator[None]:
    yield
    table = "audit_check_acknowledgement"
    with owner.transaction():
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER no_change")
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute(f"DELETE FROM {table}")  # noqa: S608
        owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER no_change")


def found(owner: Owner, *findings: Any, last: int = 9) -> str:
    """A check that found this; its address."""
    keep_check(owner, findings=list(findings), last=last)
    number = one(owner, "SELECT max(id) FROM audit_check")
    return f"/audit/integrity/checks/{number}"


def is_warned(client: Any) -> bool:
    return "A check of the log found something" in client.get("/").text


def test_the_warning_goes_and_the_finding_stays(
    owner: Owner, auditor: Any, sign_in: Any, statements: Any
) -> None:
    path = found(owner, FAULT)
    assert is_warned(auditor) and FAULT["words"] in auditor.get(path).text
    reader = sign_in("audit")
    assert reader.post(path, data={"comment": "Fine"}).status_code == 403
    assert "<textarea" not in reader.get(path).text
    assert auditor.post(path, data={"comment": " "}).status_code == 422
    assert auditor.post(path, data={"comment": "The <b>disk</b> was restored"}).status_code == 303
    again = auditor.post(path, data={"comment": "Me, too"})
    assert again.status_code == 422 and "Somebody else has acknowledged this" in again.text
    colleague = sign_in("dashboard", "audit", "audit.verify")
    assert not is_warned(colleague)
    with statements() as seen:
        page = colleague.get("/audit/integrity").text
    assert len(seen) <= 8
    assert "A check found something" not in page and FAULT["words"] in page
    assert "Aud Itor" in page and "The &lt;b&gt;disk&lt;/b&gt; was restored" in page
    noted = owner.execute(
        "SELECT * FROM audit_event WHERE action = 'audit.acknowledged'"
    ).fetchone()
    assert noted is not None and path.endswith(f"/{noted['object_id']}")
    assert (noted["actor_name"], noted["reason"]) == ("Aud Itor", "The <b>disk</b> was restored")


def test_what_is_found_again_is_known_and_something_else_is_new(owner: Owner, auditor: Any) -> None:
    auditor.post(found(owner, FAULT), data={"comment": "Known"})
    found(owner, FAULT, last=7)  # each night
    assert not is_warned(auditor)
    assert "Acknowledged with another check" in auditor.get("/audit/integrity").text
    path = found(owner, FAULT, OTHER)
    assert is_warned(auditor)
    auditor.post(path, data={"comment": "Mended"})
    assert not is_warned(auditor)
    passed = found(owner)
    assert auditor.post(passed, data={"comment": "x"}).status_code == 422
    found(owner, OTHER)  # back after a check that found nothing
    assert is_warned(auditor)


def test_what_was_put_back_warns_until_somebody_says_why(owner: Owner, auditor: Any) -> None:
    path = found(owner, FAULT)
    found(owner)  # the row is what it was
    assert is_warned(auditor)
    auditor.post(path, data={"comment": "I put it back"})
    assert not is_warned(auditor)


def test_an_acknowledgement_is_for_good(owner: Owner, auditor: Any) -> None:
    auditor.post(found(owner, FAULT), data={"comment": "Seen"})
    for change in (
        "UPDATE audit_check_acknowledgement SET comment = 'x'",
        "DELETE FROM audit_check_acknowledgement",
        "TRUNCATE audit_check_acknowledgement",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute(change)
    passed = found(owner).rpartition("/")[2]
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="found nothing"):
        owner.execute(
            "INSERT INTO audit_check_acknowledgement (check_id, user_id, name, comment)"
            " VALUES (%s, 1, 'x', 'x')",
            [passed],
        )


def test_what_is_known_is_not_told_each_night(app: Flask, owner: Owner, auditor: Any) -> None:
    tick(app)
    owner.execute("ALTER TABLE users DISABLE TRIGGER must_audit")
    try:
        with app.app_context():
            queue.tick(tasks.check_all, job_id=4)
        assert one(owner, TOLD, auditor.user.id) == 1
        number = one(owner, "SELECT max(id) FROM audit_check")
        auditor.post(f"/audit/integrity/checks/{number}", data={"comment": "On purpose"})
        with app.app_context():
            queue.tick(tasks.check_all, job_id=5)
        assert one(owner, "SELECT count(*) FROM audit_check WHERE NOT ok") == 2
        assert one(owner, TOLD, auditor.user.id) == 1
    finally:
        owner.execute("ALTER TABLE users ENABLE TRIGGER must_audit")


def test_findings_are_told_in_the_readers_language(app: Flask) -> None:
    rest = {"kind": "row_altered", "seal": None, "row": None, "words": "7 more"}
    with app.test_request_context(), force_locale("es"):
        assert faults.told(FAULT).stored == FAULT["words"]
        assert faults.told(rest) == faults.Told("7 more")
        assert faults.told({"kind": "unheard of", "words": "Odd"}) == faults.Told("Odd")
    with app.test_request_context(), force_locale("en"):
        assert faults.told(FAULT) == faults.Told(str(FAULT["words"]))
