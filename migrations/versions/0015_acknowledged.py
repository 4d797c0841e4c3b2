"""Who has looked at what a check of the log found, and what they say of it; as append-only as the check itself."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLE = "audit_check_acknowledgement"
# The moment is the database's, and nobody speaks for somebody else.
GUARDS = """
CREATE FUNCTION audit_acknowledge() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (SELECT ok FROM audit_check WHERE id = NEW.check_id) THEN
    RAISE EXCEPTION 'check % found nothing', NEW.check_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'nothing_found';
  END IF;
  IF NEW.user_id <> nullif(current_setting('app.user_id', true), '')::bigint THEN
    RAISE EXCEPTION 'nobody acknowledges for somebody else'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'own_acknowledgement';
  END IF;
  NEW.acknowledged_at := transaction_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER acknowledge BEFORE INSERT ON audit_check_acknowledgement
  FOR EACH ROW EXECUTE FUNCTION audit_acknowledge();
CREATE CONSTRAINT TRIGGER must_audit AFTER INSERT OR UPDATE OR DELETE ON audit_check_acknowledgement
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION must_audit();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON audit_check_acknowledgement
  FOR EACH ROW EXECUTE FUNCTION audit_deny();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_check_acknowledgement
  FOR EACH STATEMENT EXECUTE FUNCTION audit_deny();
ALTER TABLE audit_check_acknowledgement ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE audit_check_acknowledgement ENABLE ALWAYS TRIGGER no_truncate;
"""


def upgrade() -> None:
    """Add the table and its guards."""
    op.create_table(
        TABLE,
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("check_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column(
            "acknowledged_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "length(btrim(comment)) BETWEEN 1 AND 2000", name=op.f("ck_audit_check_acknowledgement_comment")
        ),
        sa.ForeignKeyConstraint(
            ["check_id"], ["audit_check.id"], name=op.f("fk_audit_check_acknowledgement_check_id_audit_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_check_acknowledgement")),
        sa.UniqueConstraint("check_id", name=op.f("uq_audit_check_acknowledgement_check_id")),
    )
    op.execute(GUARDS)


def downgrade() -> None:
    """Take it away."""
    op.drop_table(TABLE)
    op.execute("DROP FUNCTION audit_acknowledge()")
