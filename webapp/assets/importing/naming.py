"""Finds what a row names: its client, project, type and holder. What is out of sight is unknown, in the same words."""

from dataclasses import dataclass, field

from webapp.assets.importing.lookups import Known, Named
from webapp.assets.importing.mapping import Options
from webapp.assets.importing.reader import Cell, as_text
from webapp.assets.importing.values import folded, quoted
from webapp.assets.queries.custody import Holder
from webapp.assets.words import OUT_OF_SIGHT
from webapp.core.language import _

Said = dict[str, Cell]
MAX_NOTED = 5_000


class Wrong(Exception):
    """A cell is wrong: its field, and why."""

    def __init__(self, name: str, words: str) -> None:
        """Keep both."""
        super().__init__(words)
        self.field, self.words = name, words


@dataclass(slots=True)
class Namer:
    """Resolves names by what the person sees; collects what would have to be made."""

    known: Known
    options: Options
    new_clients: dict[str, Named] = field(default_factory=dict)
    new_types: dict[str, Named] = field(default_factory=dict)
    unknown_clients: dict[str, str] = field(default_factory=dict)  # which the person could make
    unknown_types: dict[str, str] = field(default_factory=dict)

    def client(self, said: Said) -> Named | None:
        """Return the client that a row names, or the chosen one; None if neither.

        Raises:
            Wrong: if there is no such client, or several.
        """
        name, code = as_text(said.get("client", "")), as_text(said.get("client_code", ""))
        if not (name or code):
            return self._client_without_name(said)
        found = self.known.clients.get(folded(name or code), [])
        if code:
            found = [one for one in found if folded(one.code) == folded(code)]
        if len(found) > 1:
            homes = {one.id for one in self._locations(said)}
            found = [one for one in found if one.location_id in homes] or found
        if len(found) == 1:
            return found[0]
        if found:
            raise Wrong("client" if name else "client_code", _several(name, code, found))
        return self._new_client(name, code, said)

    def _client_without_name(self, said: Said) -> Named | None:
        if self.options.client_id is not None:
            return self.known.client_by_id.get(self.options.client_id)
        if self.options.project_id in self.known.project_by_id:
            return self.known.client_by_id.get(self.known.project_by_id[self.options.project_id][0])
        homes = {one.id for one in self._locations(said)}
        there = (
            [one for one in self.known.client_by_id.values() if one.location_id in homes]
            if homes
            else []
        )
        return there[0] if len(there) == 1 else None

    def _locations(self, said: Said) -> list[Named]:
        name = as_text(said.get("location", ""))
        return self.known.locations.get(folded(name), []) if name else []

    def _new_client(self, name: str, code: str, said: Said) -> Named:
        key = folded(f"{name} {code}")
        if key in self.new_clients:
            return self.new_clients[key]
        if not name or not self.known.who.can("organisation.edit"):
            raise Wrong("client" if name else "client_code", _no_client(name, code))
        if len(name) > 200 or not folded(name):  # noqa: PLR2004 - the column's width
            raise Wrong(
                "client", _("“%(name)s” cannot be the name of a client.", name=quoted(name))
            )
        if self.options.unknown_clients == "refuse":
            _note(self.unknown_clients, key, name)
            raise Wrong("client", _no_client(name, code))
        found = self._locations(said)
        home = found[0].id if len(found) == 1 else self.options.location_id
        self.new_clients[key] = Named(None, name, home, code=code)
        return self.new_clients[key]

    def project(self, said: Said, client: Named) -> int | None:
        """Return the project that a row names, or the chosen one if it is of this client.

        Raises:
            Wrong: if the client has no such project.
        """
        name = as_text(said.get("project", ""))
        if not name:
            chosen = self.known.project_by_id.get(self.options.project_id or 0)
            return self.options.project_id if chosen and chosen[0] == client.id else None
        found = self.known.projects.get((client.id or 0, folded(name)))
        if found is None:
            raise Wrong(
                "project",
                _(
                    "%(client)s has no project “%(name)s”, or none that you see.",
                    client=client.name,
                    name=quoted(name),
                ),
            )
        return found.id

    def type(self, said: Said) -> Named | None:
        """Return the type that a row names, or the chosen one; None if neither.

        Raises:
            Wrong: if there is no such type.
        """
        name = as_text(said.get("type", ""))
        if not name:
            return self.known.type_by_id.get(self.options.type_id or 0)
        found = self.known.types.get(folded(name)) or self.new_types.get(folded(name))
        if found is not None:
            return found
        if not self.known.who.can("assets.configure"):
            raise Wrong("type", _("There is no type “%(name)s”.", name=quoted(name)))
        if len(name) > 200 or not folded(name):  # noqa: PLR2004 - the column's width
            raise Wrong("type", _("“%(name)s” cannot be the name of a type.", name=quoted(name)))
        if self.options.unknown_types == "refuse":
            _note(self.unknown_types, folded(name), name)
            raise Wrong("type", _("There is no type “%(name)s”.", name=quoted(name)))
        return self.new_types.setdefault(folded(name), Named(None, name))

    def holder(
        self, said: Said, people: dict[str, list[tuple[int, str]]], now: Holder | None
    ) -> Holder | None:
        """Return who or what place has the asset; None if the row says nothing of it.

        Raises:
            Wrong: if nobody has this address or name, and no place this name.
        """
        if name := as_text(said.get("holder", "")):
            return self._holder(name, people, now)
        if place := as_text(said.get("holder_location", "")):
            if now is not None and now.kind == "location" and folded(now.name) == folded(place):
                return now
            found = self.known.locations.get(folded(place), [])
            if len(found) != 1 or found[0].id is None:
                raise Wrong(
                    "holder_location",
                    _(
                        "No location, or more than one, is called “%(name)s”; it is not handed out.",
                        name=quoted(place),
                    ),
                )
            return Holder(kind="location", id=found[0].id, name=found[0].name)
        return None

    def _holder(
        self, name: str, people: dict[str, list[tuple[int, str]]], now: Holder | None
    ) -> Holder:
        # What has it now may be out of sight; then the export names no more than that.
        if now is not None and folded(name) in {folded(now.name), folded(str(OUT_OF_SIGHT))}:
            return now
        found = [Holder(kind="user", id=key, name=who) for key, who in people.get(name.lower(), ())]
        if not found and "@" not in name:
            found = [
                Holder(kind="location", id=place.id, name=place.name)
                for place in self.known.locations.get(folded(name), [])
                if place.id is not None
            ]
        if len(found) == 1:
            return found[0]
        if found:
            raise Wrong(
                "holder",
                _(
                    "Several are called “%(name)s”; write the e-mail address. It is not handed out.",
                    name=quoted(name),
                ),
            )
        raise Wrong(
            "holder",
            _(
                "No active person and no location is “%(name)s”; it is not handed out.",
                name=quoted(name),
            ),
        )


def _no_client(name: str, code: str) -> str:
    if name and code:
        return _(
            "There is no client “%(name)s” with the code “%(code)s”, or none that you see.",
            name=quoted(name),
            code=quoted(code),
        )
    return _("There is no client “%(name)s”, or none that you see.", name=quoted(name or code))


def _several(name: str, code: str, found: list[Named]) -> str:
    same_code = {folded(one.code) for one in found} == {folded(code or name)}
    if same_code and not (name and code):
        return _(
            "%(n)s clients have the code “%(code)s”. Give the name, too, or the location.",
            n=len(found),
            code=quoted(code or name),
        )
    if name and code:
        return _(
            "%(n)s clients are called “%(name)s” with the code “%(code)s”. Give the location, too.",
            n=len(found),
            name=quoted(name),
            code=quoted(code),
        )
    return _(
        "%(n)s clients are called “%(name)s”. Give the code or the location, too.",
        n=len(found),
        name=quoted(name),
    )


def _note(names: dict[str, str], key: str, name: str) -> None:
    if key in names or len(names) < MAX_NOTED:
        names.setdefault(key, name)
