"""Photos and documents of an asset over HTTP: who gets what, as what, and what the log says."""

import gc
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from tests import factories
from tests.attachments import samples
from tests.pages import CheckedClient
from webapp.assets.models import Asset
from webapp.assets.services import records
from webapp.core.db import db
from webapp.core.storage import LocalStorage


@pytest.fixture
def disk(settings: Any) -> LocalStorage:
    return LocalStorage(settings.data_dir / "files")


@pytest.fixture
def thing(app: Flask) -> Any:
    return factories.make_asset("Pump")


@pytest.fixture
def editor(sign_in: Callable[..., CheckedClient], thing: Any) -> CheckedClient:
    client = sign_in("assets", "assets.edit", client_id=thing.client_id)
    client.client_id = thing.client_id  # type: ignore[attr-defined]
    return client


def send(client: CheckedClient, thing: Any, *files: tuple[str, bytes], **headers: str) -> Any:
    data = {"files": [(io.BytesIO(content), name) for name, content in files]}
    return client.post(f"/assets/{thing.tag}/files", data=data, headers=headers)


def row_of(owner: Any, thing: Any) -> dict[str, Any]:
    rows = owner.execute(
        "SELECT * FROM attachments WHERE asset_id = %s ORDER BY id DESC", [thing.id]
    )
    return rows.fetchone()  # type: ignore[no-any-return]


def count(owner: Any) -> int:
    return owner.execute("SELECT count(*) AS n FROM attachments").fetchone()["n"]  # type: ignore[no-any-return]


def test_a_photo_is_shown_as_we_made_it_and_downloaded_as_it_was(
    editor: CheckedClient, thing: Any, owner: Any, audit_rows: Callable[..., Any]
) -> None:
    content = samples.image(orientation=6)
    assert send(editor, thing, ("Front view.jpg", content)).status_code == 303
    row = row_of(owner, thing)
    url = f"/assets/{thing.tag}/files/{row['id']}"
    page = editor.get(f"/assets/{thing.tag}/files").get_data(as_text=True)
    assert "Front view.jpg" in page and f"{url}/thumb" in page

    for size in ("thumb", "preview"):
        reply = editor.get(f"{url}/{size}")
        assert reply.mimetype == "image/webp"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "no-store"
        picture = Image.open(io.BytesIO(reply.data))
        assert picture.height > picture.width  # upright
        assert b"SecretCamera" not in reply.data

    reply = editor.get(url)
    assert reply.data == content
    assert reply.headers["Content-Disposition"] == 'attachment; filename="Front view.jpg"'
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert int(reply.headers["Content-Length"]) == len(content)
    (read,) = audit_rows("attachment", row["id"], action="attachment.downloaded")
    assert (read["category"], read["client_id"]) == ("export", thing.client_id)
    (made,) = audit_rows("attachment", row["id"], action="attachment.created")
    assert made["changes"]["sha256"] == [None, row["sha256"]]
    assert row["uploaded_by_id"] == editor.user.id


def test_a_document_is_never_shown_inline(editor: CheckedClient, thing: Any, owner: Any) -> None:
    send(editor, thing, ("Größe ✓.pdf", samples.PDF))
    row = row_of(owner, thing)
    url = f"/assets/{thing.tag}/files/{row['id']}"
    reply = editor.get(url)
    disposition = reply.headers["Content-Disposition"]
    assert disposition.startswith("attachment; ")
    assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%E2%9C%93.pdf" in disposition
    assert reply.mimetype == "application/pdf"
    assert editor.get(f"{url}/preview").status_code == 404
    assert editor.get(f"{url}/thumb").status_code == 404


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("logo.svg", samples.SVG),
        ("logo.png", samples.SVG),
        ("page.html", samples.HTML),
        ("photo.jpg", samples.PDF),
        ("photo.jpg", b"\xff\xd8\xff broken"),
        ("photo.png", samples.bomb()),
        ("empty.txt", b""),
    ],
)
def test_what_is_refused_is_named_and_leaves_nothing(
    editor: CheckedClient, owner: Any, disk: LocalStorage, name: str, content: bytes
) -> None:
    thing = factories.make_asset(client_id=editor.client_id)  # type: ignore[attr-defined]
    before = set(disk.names())
    reply = send(editor, thing, ("fine.txt", samples.TEXT), (name, content))
    assert reply.status_code == 422
    page = reply.get_data(as_text=True)
    assert name in page and "fine.txt" not in page
    assert count(owner) == 0
    assert set(disk.names()) - before <= {_sha(samples.TEXT)}  # garbage that a purge removes
    assert not list(Path(disk.root, "drafts").iterdir())


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_scripts_hear_it_in_json(editor: CheckedClient, thing: Any) -> None:
    wanted = {"Accept": "application/json"}
    reply = send(editor, thing, ("fine.txt", samples.TEXT), **wanted)
    assert (reply.status_code, reply.json) == (201, {"success": True, "data": {"added": 1}})
    reply = send(editor, thing, ("a.svg", samples.SVG), **wanted)
    assert reply.status_code == 422
    assert reply.json["error"]["message"].startswith("a.svg: ")
    assert send(editor, thing, **wanted).status_code == 422


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_too_large_is_refused_at_both_limits(editor: CheckedClient, thing: Any, owner: Any) -> None:
    large = b"a" * (25 * 1024 * 1024 + 1)
    reply = send(editor, thing, ("a.txt", large))
    assert reply.status_code == 422
    assert "larger than 25 MB" in reply.get_data(as_text=True)
    assert send(editor, thing, ("a.txt", large + b"a" * 1024 * 1024)).status_code == 413
    assert count(owner) == 0
    gc.collect()  # here, and not in another test: the test client leaves its large file open


@pytest.mark.parametrize("name", ["../../x.txt", "/etc/x.txt", "a/b/x.txt"])
def test_a_name_leads_nowhere(
    editor: CheckedClient, thing: Any, owner: Any, disk: LocalStorage, name: str
) -> None:
    assert send(editor, thing, (name, samples.TEXT)).status_code == 303
    assert row_of(owner, thing)["name"] == "x.txt"
    assert not list(disk.root.rglob("*.txt"))


def test_equal_bytes_are_stored_once(
    editor: CheckedClient, thing: Any, owner: Any, disk: LocalStorage
) -> None:
    send(editor, thing, ("a.txt", b"the same bytes"), ("b.txt", b"the same bytes"))
    assert count(owner) == 2
    assert list(disk.names()).count(_sha(b"the same bytes")) == 1


def test_another_clients_files_are_as_if_there_were_none(
    editor: CheckedClient, thing: Any, owner: Any, sign_in: Callable[..., CheckedClient]
) -> None:
    send(editor, thing, ("a.jpg", samples.image()))
    row = row_of(owner, thing)
    url = f"/assets/{thing.tag}/files/{row['id']}"
    other = factories.make_asset()
    stranger = sign_in("assets", "assets.edit", client_id=other.client_id)
    for path in ("", "/preview", "/thumb", "/rename"):
        assert stranger.get(url + path).status_code == 404
    for path in ("/delete", "/restore", "/photo", "/rename"):
        assert stranger.post(url + path, data={"name": "x"}).status_code == 404
    assert send(stranger, thing, ("b.txt", samples.TEXT)).status_code == 404
    # Nor through an asset that is in sight.
    assert stranger.get(f"/assets/{other.tag}/files/{row['id']}").status_code == 404
    assert row_of(owner, thing) == row


def test_to_see_is_not_to_change(
    editor: CheckedClient, thing: Any, owner: Any, sign_in: Callable[..., CheckedClient]
) -> None:
    send(editor, thing, ("a.jpg", samples.image()))
    row = row_of(owner, thing)
    url = f"/assets/{thing.tag}/files/{row['id']}"
    reader = sign_in("assets", client_id=thing.client_id)
    assert reader.get(url).status_code == 200
    assert "data-dropzone" not in reader.get(f"/assets/{thing.tag}/files").get_data(as_text=True)
    assert send(reader, thing, ("b.txt", samples.TEXT)).status_code == 403
    for path in ("/delete", "/restore", "/photo", "/rename"):
        assert reader.post(url + path, data={"name": "x"}).status_code == 403
    # A permission for another client does not reach here.
    factories.grant(
        reader.user,
        factories.make_role("assets.edit"),
        client_id=factories.make_client().id,
    )
    assert send(reader, thing, ("b.txt", samples.TEXT)).status_code == 403
    assert row_of(owner, thing) == row


def test_delete_hides_and_restore_brings_back(
    editor: CheckedClient, thing: Any, owner: Any, audit_rows: Callable[..., Any]
) -> None:
    send(editor, thing, ("a.txt", samples.TEXT))
    url = f"/assets/{thing.tag}/files/{row_of(owner, thing)['id']}"
    assert editor.post(f"{url}/delete").status_code == 303
    assert editor.get(url).status_code == 404
    assert row_of(owner, thing)["deleted_at"] is not None
    assert f"{url}/restore" in editor.get(f"/assets/{thing.tag}/files").get_data(as_text=True)
    assert editor.post(f"{url}/restore").status_code == 303
    assert editor.get(url).status_code == 200
    told = [row["action"] for row in audit_rows("attachment", row_of(owner, thing)["id"])]
    assert told == [
        "attachment.created",
        "attachment.deleted",
        "attachment.restored",
        "attachment.downloaded",
    ]


def test_the_history_of_the_asset_tells_of_its_files(editor: CheckedClient, thing: Any) -> None:
    send(editor, thing, ("Front view.jpg", samples.image()))
    page = editor.get(f"/assets/{thing.tag}/history").get_data(as_text=True)
    assert "added the file Front view.jpg" in page


def test_rename_keeps_the_ending(editor: CheckedClient, thing: Any, owner: Any) -> None:
    send(editor, thing, ("a.txt", samples.TEXT))
    url = f"/assets/{thing.tag}/files/{row_of(owner, thing)['id']}/rename"
    assert "a.txt" in editor.get(url).get_data(as_text=True)
    assert editor.post(url, data={"name": "../invoice.exe"}).status_code == 303
    assert row_of(owner, thing)["name"] == "invoice.exe.txt"
    assert editor.post(url, data={"name": " "}).status_code == 422
    assert editor.post(url, data={"name": "///"}).status_code == 422


def test_one_image_stands_for_the_asset(editor: CheckedClient, thing: Any, owner: Any) -> None:
    for number, colour in enumerate(("red", "green", "blue")):
        send(editor, thing, (f"{number}.jpg", samples.image(colour=colour)))
    send(editor, thing, ("a.txt", samples.TEXT))
    rows = owner.execute("SELECT id FROM attachments ORDER BY id").fetchall()
    first, second, third, text = (f"/assets/{thing.tag}/files/{row['id']}" for row in rows)
    for url in (third, second):
        assert editor.post(f"{url}/photo").status_code == 303
    mains = owner.execute("SELECT id FROM attachments WHERE is_main").fetchall()
    assert mains == [rows[1]]
    page = editor.get(f"/assets/{thing.tag}/files").get_data(as_text=True)
    assert page.index(f"{second}/thumb") < page.index(f"{first}/thumb")
    assert editor.post(f"{text}/photo").status_code == 409
    editor.post(f"{second}/delete")
    editor.post(f"{third}/photo")
    assert editor.post(f"{second}/restore").status_code == 303  # no longer the main one


def test_an_archived_asset_takes_no_files(editor: CheckedClient, thing: Any, owner: Any) -> None:
    send(editor, thing, ("a.txt", samples.TEXT))
    factories_archive(thing)
    assert send(editor, thing, ("b.txt", samples.TEXT)).status_code == 409
    assert editor.get(f"/assets/{thing.tag}/files").status_code == 200
    assert count(owner) == 1


def factories_archive(thing: Any) -> None:
    with factories.work():
        records.archive(None, db.session.get_one(Asset, thing.id))


def test_a_page_of_many_files_takes_few_statements(
    editor: CheckedClient, thing: Any, statements: Callable[[], Any]
) -> None:
    send(editor, thing, *((f"{n}.txt", b"%d" % n) for n in range(20)))
    with statements() as seen:
        assert editor.get(f"/assets/{thing.tag}/files").status_code == 200
    assert len(seen) <= 8, "\n".join(seen)


def test_an_empty_page_says_so(editor: CheckedClient, thing: Any) -> None:
    page = editor.get(f"/assets/{thing.tag}/files").get_data(as_text=True)
    assert "No files yet" in page
    part = editor.get(f"/assets/{thing.tag}/files", headers={"HX-Request": "true"})
    assert part.get_data(as_text=True).lstrip().startswith("<")
    assert "<html" not in part.get_data(as_text=True)
