"""Locations, clients and projects."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel

from webapp.organisation import services
from webapp.organisation.models import Client, Location, Project
from webapp.organisation.schemas import ClientEdit, LocationEdit, ProjectEdit
from webapp.organisation.tree import Place
from webapp.oversight.undoing.kinds.base import Context, Kind, command_of
from webapp.oversight.undoing.steps import Step


class _Spot(Kind):
    edit = "organisation.edit"
    delete = "organisation.delete"
    schema: ClassVar[type[BaseModel]]
    parent: ClassVar[str]

    def may(self, ctx: Context, step: Step) -> bool:
        """What goes elsewhere needs the permission there, too."""
        if not super().may(ctx, step):
            return False
        if step.verb != "change" or self.parent not in step.fields:
            return True
        return ctx.can(self.edit, self.there(ctx, step.fields[self.parent][0]))

    def there(self, ctx: Context, key: int | None) -> Place | None:
        """Return the place that it goes back to."""
        return Place(location_id=key) if key else None

    def change(self, ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        command = command_of(self.schema, step.record, wanted)
        services.save(self.model, step.key, command, version=None)

    def remove(self, ctx: Context, step: Step) -> None:
        services.delete(self.model, step.key)

    def restore(self, ctx: Context, step: Step) -> None:
        services.restore(self.model, step.key)


class Locations(_Spot):
    """Places within places."""

    name, model, schema, parent = "location", Location, LocationEdit, "parent_id"

    def place(self, ctx: Context, step: Step) -> Place | None:
        return Place(location_id=step.key)


class Clients(_Spot):
    """Clients, in a location."""

    name, model, schema, parent = "client", Client, ClientEdit, "location_id"

    def place(self, ctx: Context, step: Step) -> Place | None:
        if step.record is None:
            return ctx.place(step.key)
        return Place(location_id=step.record.location_id, client_id=step.key)


class Projects(_Spot):
    """Projects of a client; what belongs to them goes along."""

    name, model, schema, parent = "project", Project, ProjectEdit, "client_id"

    def place(self, ctx: Context, step: Step) -> Place | None:
        client_id = step.record.client_id if step.record else step.row.client_id
        return ctx.place(client_id, step.key)

    def there(self, ctx: Context, key: int | None) -> Place | None:
        return ctx.place(key) if key else None
