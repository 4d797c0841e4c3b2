"""An index for people by when they were last here, without nulls."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LAST_SEEN = "coalesce(last_seen_at, '1970-01-01 00:00:00+00'::timestamp with time zone)"


def upgrade() -> None:
    """Replace the index that has nulls."""
    op.drop_index("ix_users_last_seen_at_id", table_name="users")
    op.create_index("ix_users_last_seen", "users", [sa.literal_column(LAST_SEEN), "id"])


def downgrade() -> None:
    """Bring the old index back."""
    op.drop_index("ix_users_last_seen", table_name="users")
    op.create_index(
        "ix_users_last_seen_at_id",
        "users",
        [sa.literal_column("last_seen_at DESC NULLS LAST"), sa.literal_column("id DESC")],
    )
