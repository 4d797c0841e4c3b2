"""Finds what a row names: its client, project, type and holder. What is out of sight is unknown, in the same words."""

from dataclasses import dataclass, field

from webapp.assets.importing.lookups import Known, Named
from webapp.assets.importing.mapping import Options
from webapp.assets.importing.reader import Cell, as_text
from webapp.assets.importing.values import folded
from webapp.assets.queries.custody import Holder
from webapp.core.language import _

Said = dict[str, Cell]


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

    def client(self, said: Said) -> Named | None:
        """Return the client that a row names, or the chosen one; None if neither.

        Raises:
            Wrong: if there is no such client, or several.
        """
        name = as_text(said.get("client", ""))
        if not name:
            return self._client_without_name(said)
        found = self.known.clients.get(folded(name), [])
        if len(found) > 1:
            homes = {one.id for one in self._locations(said)}
            found = [one for one in found if one.location_id in homes] or found
        if len(found) == 1:
            return found[0]
        if found:
            raise Wrong("client", _("Several clients have this name. Write the code."))
        return self._new_client(name, said)

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

    def _new_client(self, name: str, said: Said) -> Named:
        if self.options.unknown_clients == "refuse" or not self.known.who.can("organisation.edit"):
            raise Wrong("client", _("There is no such client, or none that you see."))
        if folded(name) not in self.new_clients:
            if len(name) > 200 or not folded(name):  # noqa: PLR2004 - the column's width
                raise Wrong("client", _("This cannot be the name of a client."))
            found = self._locations(said)
            home = found[0].id if len(found) == 1 else self.options.location_id
            self.new_clients[folded(name)] = Named(None, name, home)
        return self.new_clients[folded(name)]

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
            raise Wrong("project", _("This client has no such project, or none that you see."))
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
        if self.options.unknown_types == "refuse" or not self.known.who.can("assets.configure"):
            raise Wrong("type", _("There is no such type."))
        if len(name) > 200 or not folded(name):  # noqa: PLR2004 - the column's width
            raise Wrong("type", _("This cannot be the name of a type."))
        return self.new_types.setdefault(folded(name), Named(None, name))

    def holder(self, said: Said, people: dict[str, tuple[int, str]]) -> Holder | None:
        """Return who or what place has the asset; None if the row says nothing of it.

        Raises:
            Wrong: if nobody has this address and no place this name.
        """
        if email := as_text(said.get("holder", "")).lower():
            if email in people:
                return Holder(kind="user", id=people[email][0], name=people[email][1])
            raise Wrong(
                "holder", _("No active person has this e-mail address; it is not handed out.")
            )
        if place := as_text(said.get("holder_location", "")):
            found = self.known.locations.get(folded(place), [])
            if len(found) != 1 or found[0].id is None:
                raise Wrong(
                    "holder_location",
                    _("No location, or more than one, has this name; it is not handed out."),
                )
            return Holder(kind="location", id=found[0].id, name=found[0].name)
        return None
