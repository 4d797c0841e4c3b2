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
    "ticket": ("ticket", "tickets.by_id", "ticket_id"),
    "ticket_message": ("message", None, ""),
    "ticket_watcher": ("watcher", None, ""),
    "ticket_link": ("link of tickets", None, ""),
    "ticket_merge": ("merge", None, ""),
    "time_entry": ("time entry", None, ""),
    "contact": ("contact", None, ""),
    "team": ("team", "tickets.show_team", "team_id"),
    "team_member": ("member of a team", None, ""),
    "team_shift": ("shift", None, ""),
    "business_hours": ("business hours", "tickets.show_hours", "hours_id"),
    "business_span": ("opening hours", None, ""),
    "holiday": ("holiday", None, ""),
    "sla_policy": ("service level", "tickets.show_policy", "policy_id"),
    "sla_target": ("target of a service level", None, ""),
    "canned_reply": ("canned reply", None, ""),
    "ticket_transition": ("change of status", None, ""),
    "ticket_transition_role": ("role of a change of status", None, ""),
    "user_role": ("role of a person", None, ""),
    "role_permission": ("permission of a role", None, ""),
    "page_role": ("page of a role", None, ""),
    "user_token": ("link", None, ""),
    "notification": ("notification", None, ""),
    "notification_preference": ("preference for notifications", None, ""),
    "notification_settings": ("settings for notifications", None, ""),
    "user_session": ("session", None, ""),
    "audit_export": ("export of the log", None, ""),
    "audit_event": ("entry of the log", "audit.show", "event_id"),
    "audit_seal": ("seal", None, ""),
    "audit_check": ("check of the log", None, ""),
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
    "ticket": N_("the ticket %(label)s"),
    "ticket_message": N_("the message “%(label)s”"),
    "ticket_watcher": N_("the watcher %(label)s"),
    "ticket_link": N_("the link of tickets %(label)s"),
    "ticket_merge": N_("the merge %(label)s"),
    "time_entry": N_("the time entry %(label)s"),
    "contact": N_("the contact %(label)s"),
    "team": N_("the team %(label)s"),
    "team_member": N_("the member of a team %(label)s"),
    "team_shift": N_("the shift %(label)s"),
    "business_hours": N_("the business hours %(label)s"),
    "business_span": N_("the opening hours %(label)s"),
    "holiday": N_("the holiday %(label)s"),
    "sla_policy": N_("the service level %(label)s"),
    "sla_target": N_("the target of a service level %(label)s"),
    "canned_reply": N_("the canned reply %(label)s"),
    "ticket_transition": N_("the change of status %(label)s"),
    "ticket_transition_role": N_("the role of a change of status %(label)s"),
    "user_role": N_("the role of a person %(label)s"),
    "role_permission": N_("the permission of a role %(label)s"),
    "page_role": N_("the page of a role %(label)s"),
    "user_token": N_("the link %(label)s"),
    "notification": N_("the notification %(label)s"),
    "notification_preference": N_("the preference for notifications %(label)s"),
    "notification_settings": N_("the settings for notifications %(label)s"),
    "user_session": N_("the session %(label)s"),
    "audit_export": N_("the export of the log %(label)s"),
    "audit_event": N_("the entry of the log %(label)s"),
    "audit_seal": N_("the seal %(label)s"),
    "audit_check": N_("the check of the log %(label)s"),
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
