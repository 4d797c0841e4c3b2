"""Saying that one has looked at what a check of the log found: the finding stays, the warning goes."""

from sqlalchemy.dialects.postgresql import insert

from webapp.audit.queries import integrity
from webapp.audit.seal_models import AuditCheckAcknowledgement
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.identity import Person
from webapp.core.language import _
from webapp.oversight.integrity_schemas import Acknowledge


def acknowledge(actor: Person, check_id: int, command: Acknowledge) -> None:
    """Keep who has looked at a failed check, and what they say of it; once, and for good.

    Raises:
        DomainError: if it found nothing, or somebody was first.
    """
    check = integrity.find_check(check_id)
    if check is None or check.ok:
        raise DomainError(_("This check found nothing that could be acknowledged."))
    row = AuditCheckAcknowledgement.__table__
    values = {"check_id": check_id, "user_id": actor.id, "name": actor.name[:200]}
    made = db.session.execute(
        insert(AuditCheckAcknowledgement)
        .values(**values, comment=command.comment)
        .on_conflict_do_nothing()
        .returning(row.c.id)
    ).one_or_none()
    if made is None:
        raise DomainError(_("Somebody else has acknowledged this meanwhile."))
    trail.note(
        "audit.acknowledged",
        object_type="audit_check",
        object_id=check_id,
        object_label=str(check_id),
        reason=command.comment,
        changes={"faults": len(check.findings)},
    )
