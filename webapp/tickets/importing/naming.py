"""People, teams and projects that a log names: found again by their names, or made.

A person is an inactive user whom nobody can sign in as, with an address that says where it comes from:
`caller-2403@imported.invalid` (the domain is reserved, so no mail ever goes there). Who exists already stays as is.
"""

import hashlib
import re
from typing import Any

from sqlalchemy import ARRAY, Text, and_, cast, func, select
from sqlalchemy.dialects.postgresql import array

from webapp.core import trail
from webapp.core.db import db
from webapp.core.many import insert_many
from webapp.organisation.models import Project
from webapp.tickets.models import Team
from webapp.users.models import User

DOMAIN = "imported.invalid"
MAX_LOCAL = 60
_PLAIN = re.compile(r"[a-z0-9]+(?:[ ._-][a-z0-9]+)*")


def address_of(name: str) -> str:
    """Return the address of a person of the log; the same name always has the same."""
    folded = name.casefold()
    local = re.sub(r"[^a-z0-9._]+", "-", folded).strip("-._")
    if not _PLAIN.fullmatch(folded) or len(local) > MAX_LOCAL:
        # Two names that only differ in what an address cannot hold stay two people.
        digest = hashlib.sha256(folded.encode()).hexdigest()[:8]
        local = f"{local[:MAX_LOCAL]}-{digest}".lstrip("-")
    return f"{local}@{DOMAIN}"


class Names:
    """Ids of what the log names; each is asked for once. ``dry``: nothing is made, ids are made up."""

    def __init__(self, client_id: int | None, *, dry: bool) -> None:
        """Projects are those of the client."""
        self.client_id, self.dry = client_id, dry
        self.people: dict[str, int] = {}
        self.teams: dict[str, int] = {}
        self.projects: dict[str, int] = {}
        self.made = {model.audit_type: 0 for model in (User, Team, Project)}

    def learn(self, *, people: set[str], teams: set[str], projects: set[str]) -> None:
        """Find or make all of these."""
        self._people({address_of(name): name for name in people})
        self._named(self.teams, teams, Team, {})
        self._named(self.projects, projects, Project, {"client_id": self.client_id})

    def person(self, name: str | None) -> int | None:
        """Return the id of a person; None stands for nobody known."""
        return self.people[address_of(name)] if name else None

    def team(self, name: str | None) -> int | None:
        """Return the id of a team."""
        return self.teams[name] if name else None

    def project(self, name: str | None) -> int | None:
        """Return the id of a project."""
        return self.projects[name] if name else None

    def _people(self, named: dict[str, str]) -> None:
        wanted = sorted(named.keys() - self.people.keys())
        if not wanted:
            return
        key = func.lower(User.email)
        for row in db.session.execute(select(key.label("key"), User.id).where(key.in_(wanted))):
            self.people[row.key] = row.id
        new = [address for address in wanted if address not in self.people]
        rows = [{"email": one, "name": named[one], "is_active": False} for one in new]
        self.people |= dict(zip(new, self._made(User, rows), strict=True))

    def _named(
        self, known: dict[str, int], names: set[str], model: Any, rest: dict[str, Any]
    ) -> None:
        if not (wanted := sorted(names - known.keys())):
            return
        # The database says which names are the same, as its unique key does.
        word = func.unnest(cast(array(wanted), ARRAY(Text))).table_valued("word").alias("word")
        same = and_(
            func.lower(model.name) == func.lower(word.c.word),
            model.deleted_at.is_(None),
            *(getattr(model, column) == value for column, value in rest.items()),
        )
        key = func.lower(word.c.word).label("key")
        found = select(word.c.word, key, model.id).select_from(word).outerjoin(model, same)
        rows = db.session.execute(found).all()
        ids = {row.key: row.id for row in rows}
        new = {row.key: row.word for row in rows if row.id is None}
        made = self._made(model, [rest | {"name": name} for name in new.values()])
        ids |= dict(zip(new, made, strict=True))
        known |= {row.word: ids[row.key] for row in rows}

    def _made(self, model: Any, rows: list[dict[str, Any]]) -> list[int]:
        """Insert rows, and note each; return their ids in the same order."""
        before = self.made[model.audit_type]
        self.made[model.audit_type] += len(rows)
        if self.dry:
            return [-1 - before - n for n in range(len(rows))]
        key = "email" if model is User else "name"
        table = model.__table__
        back = insert_many(table, rows, returning=(table.c.id, table.c[key]))
        ids = {getattr(row, key): row.id for row in back}
        for row in rows:
            trail.note(
                f"{model.audit_type}.created",
                category="import",
                object_type=model.audit_type,
                object_id=ids[row[key]],
                object_label=row["name"],
                client_id=row.get("client_id"),
                changes={name: [None, value] for name, value in row.items()},
            )
        return [ids[row[key]] for row in rows]
