"""A purge removes what nobody needs, and never what somebody does."""

import hashlib
import io
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Flask

from tests import factories
from tests.attachments import samples
from tests.conftest import dsn
from webapp.attachments import services
from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.core.storage import LocalStorage, put


@pytest.fixture
def disk(settings: Any) -> LocalStorage:
    return LocalStorage(settings.data_dir / "files")


@pytest.fixture
def thing(app: Flask) -> Any:
    return factories.make_asset()


@pytest.fixture
def purge(app: Flask, owner: Any) -> Callable[..., str]:
    """Run the command, with what is deleted dated a while back."""

    def run(days: int = 30) -> str:
        reply = app.test_cli_runner().invoke(args=["attachments", "purge", "--days", str(days)])
        assert reply.exit_code == 0, reply.output
        return reply.output

    return run


def add(thing: Any, content: bytes, name: str = "a.txt") -> Attachment:
    with factories.work():
        row = services.add(
            client_id=thing.client_id,
            asset_id=thing.id,
            file=io.BytesIO(content),
            name=name,
            user_id=None,
        )
        db.session.refresh(row)
        db.session.expunge(row)
        return row


def delete(row: Attachment, owner: Any, *, days: int = 31) -> None:
    with factories.work():
        services.delete(db.session.get_one(Attachment, row.id))
    with owner.transaction():  # only the clock is changed, which no audit row tells
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute(
            "UPDATE attachments SET deleted_at = now() - make_interval(days => %s) WHERE id = %s",
            [days, row.id],
        )


def test_old_deleted_files_go_and_the_log_says_so(
    thing: Any, owner: Any, disk: LocalStorage, purge: Any, audit_rows: Any
) -> None:
    old, young, live = (
        add(thing, samples.image(colour=colour), "a.jpg") for colour in ("red", "lime", "blue")
    )
    delete(old, owner)
    delete(young, owner, days=29)
    purge()
    kept = [row["id"] for row in owner.execute("SELECT id FROM attachments ORDER BY id")]
    assert kept == [young.id, live.id]
    for name in (old.sha256, old.preview_sha256, old.thumb_sha256):
        assert not disk.exists(str(name))
    for row in (young, live):
        for name in (row.sha256, row.preview_sha256, row.thumb_sha256):
            assert disk.exists(str(name))
    (told,) = audit_rows("attachment", old.id, action="attachment.purged")
    assert told["changes"]["sha256"] == [old.sha256, None]
    assert told["actor_name"] == "system:purge-files"


def test_shared_bytes_stay(thing: Any, owner: Any, disk: LocalStorage, purge: Any) -> None:
    one, two = add(thing, b"shared"), add(factories.make_asset(), b"shared")
    assert one.sha256 == two.sha256
    delete(one, owner)
    purge()
    assert disk.exists(two.sha256)
    delete(two, owner)
    purge()
    assert not disk.exists(two.sha256)


def test_bytes_without_a_row_are_garbage(disk: LocalStorage, purge: Any) -> None:
    name, _ = put(disk, io.BytesIO(b"its transaction failed"))
    purge()
    assert not disk.exists(name)


def test_a_failed_upload_leaves_no_row(thing: Any, owner: Any, disk: LocalStorage) -> None:
    def fail() -> None:
        with factories.work():
            services.add(
                client_id=thing.client_id,
                asset_id=thing.id,
                file=io.BytesIO(b"half"),
                name="a.txt",
                user_id=None,
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert owner.execute("SELECT count(*) AS n FROM attachments").fetchone()["n"] == 0
    assert disk.exists(hashlib.sha256(b"half").hexdigest())


def test_an_upload_of_the_same_bytes_is_not_robbed(
    thing: Any, disk: LocalStorage, purge: Any, settings: Any
) -> None:
    """Somebody uploads what the purge is about to drop, and has not committed yet."""
    name, _ = put(disk, io.BytesIO(b"contested"))
    with psycopg.connect(dsn(settings.app_url())) as uploading:
        lock = services._lock_of(name)
        uploading.execute("SELECT pg_advisory_xact_lock_shared(%s)", [lock])
        purge()
        assert disk.exists(name)
        uploading.rollback()
    purge()
    assert not disk.exists(name)


def test_an_upload_waits_for_a_purge_and_writes_anew(
    thing: Any, disk: LocalStorage, settings: Any
) -> None:
    """The purge holds the lock: what is uploaded meanwhile is only looked for afterwards."""
    name, _ = put(disk, io.BytesIO(b"contested"))
    seen: list[bool] = []
    with psycopg.connect(dsn(settings.app_url())) as purging:
        purging.execute("SELECT pg_advisory_xact_lock(%s)", [services._lock_of(name)])
        with pytest.raises(Exception, match="lock timeout"), factories.work():
            services.hold(name)
        seen.append(disk.exists(name))
        disk.delete(name)
        purging.commit()
    row = add(thing, b"contested")
    assert seen == [True] and row.sha256 == name
    assert disk.exists(name)
