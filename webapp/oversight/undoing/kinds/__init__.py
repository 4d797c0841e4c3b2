"""The kinds of things that can be undone, by name."""

from webapp.oversight.undoing.kinds import assets, desk, people, places, tickets
from webapp.oversight.undoing.kinds.base import Context, Kind

# In the order in which what is deleted together can come back: the outer before the inner.
ALL: tuple[Kind, ...] = (
    *(places.Locations(), places.Clients(), places.Projects()),
    *(people.People(), people.Roles(), people.Grants(), people.Views()),
    *(assets.Types(), assets.Assets(), assets.Hands()),
    *(desk.Teams(), desk.Members(), desk.Leads(), desk.Shifts(), desk.Replies(), desk.Contacts()),
    *(desk.Levels(), desk.Ways(), desk.WaysOfRoles(), desk.Files()),
    *(tickets.Tickets(), tickets.Merges(), tickets.Links(), tickets.Watchers()),
)
KINDS = {kind.name: kind for kind in ALL}

__all__ = ["KINDS", "Context", "Kind"]
