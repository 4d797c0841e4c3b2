"""Row level security for the log: whoever works for some clients reads no other's rows."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Whatever happens is written, also about rows out of sight: a refusal, a move to somewhere else.
POLICIES = """
ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_event FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON audit_event TO CURRENT_USER USING (true);
CREATE POLICY all_clients ON audit_event TO steward_all USING (true);
CREATE POLICY written ON audit_event FOR INSERT TO steward_app WITH CHECK (true);
CREATE POLICY in_scope ON audit_event FOR SELECT TO steward_app USING (
  client_id IS NULL
  OR client_id = ANY ((SELECT steward_scope('client'))::bigint[])
  OR client_id = ANY ((SELECT steward_scope('client of project'))::bigint[]));
"""


def upgrade() -> None:
    """Put the policies in place."""
    op.execute(POLICIES)


def downgrade() -> None:
    """Take them away."""
    for policy in ("owner_all", "all_clients", "written", "in_scope"):
        op.execute(f"DROP POLICY {policy} ON audit_event")
    op.execute("ALTER TABLE audit_event NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_event DISABLE ROW LEVEL SECURITY")
