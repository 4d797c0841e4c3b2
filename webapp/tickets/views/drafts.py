"""What is typed and not sent yet is kept as one types."""

from datetime import UTC, datetime

from flask.typing import ResponseReturnValue

from webapp.core.error_pages import MESSAGES, reply
from webapp.core.guards import page, permission
from webapp.tickets.message_forms import DraftForm
from webapp.tickets.services import base, drafts
from webapp.tickets.views.common import bp, find, me
from webapp.tickets.views.messages import REPLY


@bp.route("/<id:number>/draft", methods=["POST", "PUT"])
@page("tickets")
@permission(REPLY, scoped=True)
def save_draft(number: int) -> ResponseReturnValue:
    """Keep a draft; an empty one is forgotten."""
    ticket = find(number)
    base.require_on(me(), REPLY, ticket)
    form = DraftForm()
    if not form.validate():
        fields = {name: [str(one) for one in said] for name, said in form.errors.items() if name}
        return reply(422, MESSAGES[422], code="invalid", fields=fields)
    command = form.command
    drafts.save(me(), ticket, is_note=command.mode == "note", body=command.body)
    return {"success": True, "data": {"saved_at": datetime.now(UTC).isoformat()}}
