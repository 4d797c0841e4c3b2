"""Find a row of the log by its id alone: rows lie in the order of their ids, so a small BRIN index is enough."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the ids of each month, also of months to come."""
    op.create_index(
        "ix_audit_event_id",
        "audit_event",
        ["id"],
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    )


def downgrade() -> None:
    """Take the index away."""
    op.drop_index("ix_audit_event_id", "audit_event")
