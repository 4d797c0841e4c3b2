"""Where the record behind an audit row can be seen."""

from typing import Any

from flask import url_for

from webapp.core.language import N_, gettext

# object type: (what people call it, endpoint of its page, name of the id in the URL)
TYPES: dict[str, tuple[str, str | None, str]] = {
    "user": ("person", "users.show", "user_id"),
    "role": ("role", "roles.show", "role_id"),
    "location": ("location", "organisation.show_location", "location_id"),
    "client": ("client", "organisation.show_client", "client_id"),
    "project": ("project", "organisation.show_project", "project_id"),
    "asset": ("asset", "assets.by_id", "asset_id"),
    "asset_type": ("asset type", "assets.show_type", "type_id"),
    "asset_import": ("import", None, ""),
    "custody": ("custody", None, ""),
    "attachment": ("file", None, ""),
    "saved_view": ("saved view", None, ""),
    "job": ("job", "jobs.show", "job_id"),
    "user_role": ("role of a person", None, ""),
    "role_permission": ("permission of a role", None, ""),
    "page_role": ("page of a role", None, ""),
    "user_token": ("link", None, ""),
    "notification": ("notification", None, ""),
    "user_session": ("session", None, ""),
}


# The same with its article, as a sentence about one of them needs it.
THE = {
    "user": N_("the person %(label)s"),
    "role": N_("the role %(label)s"),
    "location": N_("the location %(label)s"),
    "client": N_("the client %(label)s"),
    "project": N_("the project %(label)s"),
    "asset": N_("the asset %(label)s"),
    "asset_type": N_("the asset type %(label)s"),
    "asset_import": N_("the import %(label)s"),
    "custody": N_("the custody %(label)s"),
    "attachment": N_("the file %(label)s"),
    "saved_view": N_("the saved view %(label)s"),
    "job": N_("the job %(label)s"),
    "user_role": N_("the role of a person %(label)s"),
    "role_permission": N_("the permission of a role %(label)s"),
    "page_role": N_("the page of a role %(label)s"),
    "user_token": N_("the link %(label)s"),
    "notification": N_("the notification %(label)s"),
    "user_session": N_("the session %(label)s"),
}


def title_of(object_type: str | None) -> str:
    """Return what people call an object type."""
    return gettext(TYPES[object_type][0]) if object_type in TYPES else (object_type or "")


def url_of(object_type: str | None, object_id: int | None) -> str | None:
    """Return the page of a record, if it has one."""
    if object_type not in TYPES or object_id is None:
        return None
    _, endpoint, argument = TYPES[object_type]
    values: dict[str, Any] = {argument: object_id}
    return url_for(endpoint, **values) if endpoint else None
