"""What people are told: grouped, by mail if they want it, and seen by nobody else."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::bigint"

FUNCTIONS = f"""
-- Whoever changes something tells others, whose notices they may not read. Of what is unread about the same there is one
-- row, which counts. In the order of its index, so that two who tell the same people do not wait for each other in a circle.
CREATE FUNCTION steward_announce(notices jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  INSERT INTO notifications AS old (user_id, kind, title, body, url, group_key, count, object_type, object_id, in_app,
                                    mail_due_at)
  SELECT user_id, kind, title, body, url, group_key, count, object_type, object_id, in_app, mail_due_at
    FROM jsonb_to_recordset(notices) AS new (user_id bigint, kind text, title text, body text, url text, group_key text,
      count integer, object_type text, object_id bigint, in_app boolean, mail_due_at timestamptz)
   ORDER BY user_id, group_key
  ON CONFLICT (user_id, group_key) WHERE read_at IS NULL AND group_key <> '' DO UPDATE
    SET kind = excluded.kind, title = excluded.title, body = excluded.body, url = excluded.url,
        count = old.count + excluded.count, told_at = now(), in_app = old.in_app OR excluded.in_app,
        object_type = excluded.object_type, object_id = excluded.object_id,
        mail_due_at = excluded.mail_due_at, emailed_at = NULL;
  SELECT pg_notify('steward_live', json_build_object('topic', 'notification', 'user', user_id)::text)
    FROM (SELECT DISTINCT user_id FROM jsonb_to_recordset(notices) AS n (user_id bigint, in_app boolean) WHERE in_app) AS told
$$;

-- The query that finds out who is signed in counts before the policies know who that is.
CREATE FUNCTION steward_unread(person bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT count(*) FROM (
    SELECT FROM notifications WHERE user_id = person AND read_at IS NULL AND in_app LIMIT 100) AS few
$$;

ALTER TABLE notifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE notifications FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON notifications TO CURRENT_USER USING (true);
CREATE POLICY own ON notifications TO steward_app, steward_all USING (user_id = {ME});
CREATE POLICY of_system ON notifications TO steward_all USING ({ME} IS NULL);

-- They follow from what the log has already, and what a person has read is nobody's business.
DROP TRIGGER must_audit ON notifications;
"""
AUDITED = ("notification_preferences", "notification_settings")


def upgrade() -> None:
    """Add what grouping and mail need, the preferences, and the policies."""
    op.add_column("notifications", sa.Column("group_key", sa.String(100), server_default="", nullable=False))
    op.add_column("notifications", sa.Column("count", sa.Integer(), server_default="1", nullable=False))
    op.add_column("notifications", sa.Column("object_type", sa.String(32), server_default="", nullable=False))
    op.add_column("notifications", sa.Column("object_id", sa.BigInteger(), nullable=True))
    op.add_column("notifications", sa.Column("in_app", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column(
        "notifications",
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.add_column("notifications", sa.Column("mail_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("notifications", sa.Column("emailed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("ALTER TABLE notifications DISABLE TRIGGER must_audit")
    op.execute("UPDATE notifications SET told_at = created_at")
    op.execute("ALTER TABLE notifications ENABLE TRIGGER must_audit")
    op.create_check_constraint(op.f("ck_notifications_count_positive"), "notifications", "count > 0")
    op.drop_index("ix_notifications_user_id_id", table_name="notifications")
    op.drop_index("ix_notifications_unread", table_name="notifications")
    op.create_index("ix_notifications_user_told", "notifications", ["user_id", "told_at", "id"])
    op.create_index(
        "ix_notifications_unread", "notifications", ["user_id"], postgresql_where=sa.text("read_at IS NULL AND in_app")
    )
    op.create_index(
        "ix_notifications_to_mail",
        "notifications",
        ["user_id", "mail_due_at"],
        postgresql_where=sa.text("read_at IS NULL AND emailed_at IS NULL AND mail_due_at IS NOT NULL"),
    )
    op.create_index(
        "uq_notifications_group",
        "notifications",
        ["user_id", "group_key"],
        unique=True,
        postgresql_where=sa.text("read_at IS NULL AND group_key <> ''"),
    )
    op.create_table(
        "notification_preferences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("in_app", sa.Boolean(), nullable=False),
        sa.Column("email", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notification_preferences_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_preferences")),
        sa.UniqueConstraint("user_id", "kind", name="uq_notification_preferences_user_kind"),
    )
    op.create_table(
        "notification_settings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_until", sa.Time(), nullable=True),
        sa.Column("mail_every", sa.Integer(), server_default="10", nullable=False),
        sa.CheckConstraint(
            "num_nulls(quiet_from, quiet_until) IN (0, 2)", name=op.f("ck_notification_settings_quiet_whole")
        ),
        sa.CheckConstraint("quiet_from <> quiet_until", name=op.f("ck_notification_settings_quiet_ends")),
        sa.CheckConstraint("mail_every BETWEEN 0 AND 1440", name=op.f("ck_notification_settings_mail_every")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notification_settings_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_settings")),
        sa.UniqueConstraint("user_id", name="uq_notification_settings_user_id"),
    )
    for table in AUDITED:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER must_audit AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION must_audit()"
        )
    op.execute(FUNCTIONS)


def downgrade() -> None:
    """Go back to plain notices, which the log has."""
    for table in reversed(AUDITED):
        op.drop_table(table)
    for policy in ("own", "of_system", "owner_all"):
        op.execute(f"DROP POLICY {policy} ON notifications")
    op.execute("ALTER TABLE notifications NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE notifications DISABLE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION steward_announce(jsonb), steward_unread(bigint)")
    for index in ("uq_notifications_group", "ix_notifications_to_mail", "ix_notifications_unread"):
        op.drop_index(index, table_name="notifications")
    op.drop_index("ix_notifications_user_told", table_name="notifications")
    for column in (
        "emailed_at",
        "mail_due_at",
        "told_at",
        "in_app",
        "object_id",
        "object_type",
        "count",
        "group_key",
    ):
        op.drop_column("notifications", column)
    op.create_index("ix_notifications_user_id_id", "notifications", ["user_id", sa.literal_column("id DESC")])
    op.create_index(
        "ix_notifications_unread", "notifications", ["user_id"], postgresql_where=sa.text("read_at IS NULL")
    )
    op.execute(
        "CREATE CONSTRAINT TRIGGER must_audit AFTER INSERT OR UPDATE OR DELETE ON notifications "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION must_audit()"
    )
