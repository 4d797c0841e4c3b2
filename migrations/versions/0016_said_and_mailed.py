"""Replies are mailed to contacts, and what a requester says by phone is recorded as theirs, by somebody of the desk."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLE = "ticket_messages"
VIAS = ("web", "email", "system", "import")
CHECKS = {
    "mail_state": "mail_state IN ('waiting', 'sent', 'failed', 'no_server')",
    "recorded_has_author": "recorded_by_id IS NULL OR (NOT is_note AND num_nonnulls(author_id, contact_id) = 1"
    " AND author_id IS DISTINCT FROM recorded_by_id)",
    "spoken_is_recorded": "via NOT IN ('phone', 'in_person') OR recorded_by_id IS NOT NULL",
    "mailed_is_public": "mail_state IS NULL OR (NOT is_note AND recorded_by_id IS NULL)",
    "mailed_to_somebody": "(mail_state IS NULL) = (mailed_to IS NULL)",
    "mailed_at": "(mailed_at IS NOT NULL) = (mail_state IS NOT NULL AND mail_state IN ('sent', 'failed'))",
}
# Only what the ticket's own requester says is recorded as said by them, and nobody signs for somebody else.
GUARDS = """
CREATE FUNCTION keep_record_true() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.recorded_by_id <> nullif(current_setting('app.user_id', true), '')::bigint THEN
    RAISE EXCEPTION 'nobody records for somebody else'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'own_record';
  END IF;
  IF NOT EXISTS (SELECT FROM tickets WHERE id = NEW.ticket_id
       AND (requester_user_id = NEW.author_id OR requester_contact_id = NEW.contact_id)) THEN
    RAISE EXCEPTION 'this ticket has another requester'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'record_of_requester';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER "B_record_true" AFTER INSERT OR UPDATE OF recorded_by_id, author_id, contact_id ON ticket_messages
  FOR EACH ROW WHEN (NEW.recorded_by_id IS NOT NULL) EXECUTE FUNCTION keep_record_true();
"""


def _via(*more: str) -> None:
    op.drop_constraint(op.f("ck_ticket_messages_via"), TABLE, type_="check")
    names = ", ".join(f"'{one}'" for one in (*VIAS, *more))
    op.create_check_constraint(op.f("ck_ticket_messages_via"), TABLE, f"via IN ({names})")


def upgrade() -> None:
    """Add the columns and what keeps them true."""
    op.add_column(TABLE, sa.Column("recorded_by_id", sa.BigInteger(), nullable=True))
    op.add_column(TABLE, sa.Column("mail_state", sa.String(32), nullable=True))
    op.add_column(TABLE, sa.Column("mailed_to", sa.String(254), nullable=True))
    op.add_column(TABLE, sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("fk_ticket_messages_recorded_by_id_users"), TABLE, "users", ["recorded_by_id"], ["id"], ondelete="RESTRICT"
    )
    op.create_index(
        "ix_ticket_messages_recorded_by",
        TABLE,
        ["recorded_by_id"],
        postgresql_where=sa.text("recorded_by_id IS NOT NULL"),
    )
    _via("phone", "in_person")
    for name, rule in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_ticket_messages_{name}"), TABLE, rule)
    op.execute(GUARDS)


def downgrade() -> None:
    """What was recorded stays as what its author said."""
    op.execute('DROP TRIGGER "B_record_true" ON ticket_messages; DROP FUNCTION keep_record_true()')
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_ticket_messages_{name}"), TABLE, type_="check")
    op.execute("ALTER TABLE ticket_messages DISABLE TRIGGER must_audit")
    op.execute("UPDATE ticket_messages SET via = 'web' WHERE via IN ('phone', 'in_person')")
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    op.execute("ALTER TABLE ticket_messages ENABLE TRIGGER must_audit")
    _via()
    for column in ("mailed_at", "mailed_to", "mail_state", "recorded_by_id"):
        op.drop_column(TABLE, column)
