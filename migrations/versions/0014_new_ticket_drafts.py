"""A ticket that is being written is a draft, too, with files that wait for it; only who writes it sees them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::bigint"
DRAFTS = f"ALTER POLICY own ON ticket_drafts WITH CHECK (user_id = {ME} AND ({{new}}ticket_id IN (SELECT id FROM tickets)))"
FILES = """
ALTER POLICY in_scope ON attachments USING (
  client_id = ANY ((SELECT steward_scope('client'))::bigint[])
  OR ((asset_id = ANY ((SELECT steward_assets_in_scope())::bigint[])
       OR ticket_id = ANY ((SELECT steward_tickets_in_scope())::bigint[]))
    AND client_id = ANY ((SELECT steward_scope('client of project'))::bigint[])){waiting});
"""
WAITING = f"\n  OR (client_id IS NULL AND uploaded_by_id = (SELECT {ME}))"


def upgrade() -> None:
    """Let drafts be of no ticket yet, and files of a draft."""
    op.drop_constraint("pk_ticket_drafts", "ticket_drafts", type_="primary")
    op.alter_column("ticket_drafts", "ticket_id", existing_type=sa.BigInteger(), nullable=True)
    op.add_column("ticket_drafts", sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False))
    op.create_primary_key("pk_ticket_drafts", "ticket_drafts", ["id"])
    op.add_column("ticket_drafts", sa.Column("key", sa.String(length=32), nullable=True))
    op.add_column(
        "ticket_drafts", sa.Column("fields", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False)
    )
    op.create_unique_constraint("uq_ticket_drafts_ticket", "ticket_drafts", ["ticket_id", "user_id", "is_note"])
    op.create_unique_constraint("uq_ticket_drafts_key", "ticket_drafts", ["user_id", "key"])
    op.create_check_constraint("ticket_or_key", "ticket_drafts", "num_nonnulls(ticket_id, key) = 1")
    op.execute(DRAFTS.format(new="ticket_id IS NULL OR "))

    op.add_column("attachments", sa.Column("draft_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        "fk_attachments_draft", "attachments", "ticket_drafts", ["draft_id"], ["id"], ondelete="RESTRICT"
    )
    op.create_index(
        "ix_attachments_draft", "attachments", ["draft_id"], postgresql_where=sa.text("draft_id IS NOT NULL")
    )
    op.alter_column("attachments", "client_id", existing_type=sa.BigInteger(), nullable=True)
    op.drop_constraint("one_record", "attachments", type_="check")
    op.create_check_constraint(
        "one_record",
        "attachments",
        "num_nonnulls(asset_id, ticket_id, draft_id) = 1"
        " OR (num_nonnulls(asset_id, ticket_id, draft_id) = 0 AND deleted_at IS NOT NULL)",
    )
    op.create_check_constraint(
        "client_of_record", "attachments", "(client_id IS NULL) = (num_nonnulls(asset_id, ticket_id) = 0)"
    )
    op.execute(FILES.format(waiting=WAITING))


def downgrade() -> None:
    """Tickets that were being written go with their files."""
    op.execute(FILES.format(waiting=""))
    op.execute("ALTER TABLE attachments DISABLE TRIGGER must_audit")
    op.execute("DELETE FROM attachments WHERE client_id IS NULL")
    op.execute("ALTER TABLE attachments ENABLE TRIGGER must_audit")
    op.drop_constraint("client_of_record", "attachments", type_="check")
    op.drop_constraint("one_record", "attachments", type_="check")
    op.drop_column("attachments", "draft_id")
    op.create_check_constraint("one_record", "attachments", "num_nonnulls(asset_id, ticket_id) = 1")
    op.alter_column("attachments", "client_id", existing_type=sa.BigInteger(), nullable=False)

    op.execute("DELETE FROM ticket_drafts WHERE ticket_id IS NULL")
    op.execute(DRAFTS.format(new=""))
    op.drop_constraint("ticket_or_key", "ticket_drafts", type_="check")
    op.drop_constraint("uq_ticket_drafts_key", "ticket_drafts", type_="unique")
    op.drop_constraint("uq_ticket_drafts_ticket", "ticket_drafts", type_="unique")
    op.drop_constraint("pk_ticket_drafts", "ticket_drafts", type_="primary")
    for column in ("fields", "key", "id"):
        op.drop_column("ticket_drafts", column)
    op.create_primary_key("pk_ticket_drafts", "ticket_drafts", ["ticket_id", "user_id", "is_note"])
