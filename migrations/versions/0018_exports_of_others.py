"""Whoever may export the log everywhere, and reads all of it, sees what others have taken out, and may revoke it."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::bigint"
EVERYWHERE = f"ur.user_id = {ME} AND ur.location_id IS NULL AND ur.client_id IS NULL AND ur.project_id IS NULL"
MAY = f"""(SELECT EXISTS (SELECT FROM user_roles ur JOIN role_permissions rp ON rp.role_id = ur.role_id
    JOIN permissions p ON p.id = rp.permission_id WHERE {EVERYWHERE} AND p.key = 'audit.export')
  AND EXISTS (SELECT FROM user_roles ur JOIN page_roles pr ON pr.role_id = ur.role_id
    JOIN pages p ON p.id = pr.page_id WHERE {EVERYWHERE} AND p.key = 'audit'))"""


def upgrade() -> None:
    for name, command in (("seen", "SELECT"), ("revoked", "DELETE")):
        op.execute(
            f"CREATE POLICY {name} ON audit_exports FOR {command} TO steward_app, steward_all USING ({MAY})"
        )


def downgrade() -> None:
    for name in ("seen", "revoked"):
        op.execute(f"DROP POLICY {name} ON audit_exports")
