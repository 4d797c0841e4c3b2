"""What is kept of each sealed row: its id and 8 bytes of its hash, so that a check can name the row that is wrong."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, as append-only as the seals."""
    op.create_table(
        "audit_leaf",
        sa.Column("seal_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("ids", postgresql.BYTEA(), nullable=False),
        sa.Column("hashes", postgresql.BYTEA(), nullable=False),
        sa.ForeignKeyConstraint(
            ["seal_id"], ["audit_seal.id"], name=op.f("fk_audit_leaf_seal_id_audit_seal")
        ),
        sa.PrimaryKeyConstraint("seal_id", "part", name=op.f("pk_audit_leaf")),
    )
    # Hashes cannot be packed: nothing should try.
    op.execute("ALTER TABLE audit_leaf ALTER hashes SET STORAGE EXTERNAL")
    op.execute(
        "CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON audit_leaf FOR EACH ROW EXECUTE FUNCTION audit_deny()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_leaf FOR EACH STATEMENT EXECUTE FUNCTION audit_deny()"
    )
    op.execute("ALTER TABLE audit_leaf ENABLE ALWAYS TRIGGER no_change")
    op.execute("ALTER TABLE audit_leaf ENABLE ALWAYS TRIGGER no_truncate")


def downgrade() -> None:
    """Take it away."""
    op.drop_table("audit_leaf")
