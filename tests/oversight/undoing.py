"""Looking at an undo and confirming it, as somebody with a browser would."""

import re
from typing import Any

from tests import factories
from webapp.core.db import db


def row_of(model: Any, key: Any) -> Any:
    with factories.work():
        found = db.session.get(model, key)
        if found is not None:
            db.session.refresh(found)
            db.session.expunge(found)
        return found


def sent(client: Any, path: str, **data: Any) -> Any:
    reply = client.post(path, data=data)
    assert reply.status_code == 303, (path, reply.status_code, re.sub(r"<[^>]+>", " ", reply.text))
    return reply


def marks(page: str) -> dict[str, str]:
    found = {n: re.search(rf'name="{n}"[^>]* value="([^"]*)"', page) for n in ("seen", "agreed")}
    return {name: match[1] for name, match in found.items() if match}


def undo(client: Any, path: str, **data: Any) -> Any:
    """Look, then confirm what was seen."""
    page = client.get(path)
    assert page.status_code == 200, page.text
    return client.post(path, data=marks(page.text) | {"reason": "A slip"} | data)


def undo_row(client: Any, row: dict[str, Any], **data: Any) -> Any:
    return undo(client, f"/audit/{row['id']}/undo", **data)


def undo_request(client: Any, row: dict[str, Any], **data: Any) -> Any:
    return undo(client, f"/audit/request/{row['request_id']}/undo", **data)


def words(reply: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", reply.text).split())
