"""The log as auditors need it: an index for each way in, seals, checks, checkpoints, and files taken away."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ME = "nullif(current_setting('app.user_id', true), '')::bigint"

# Words of labels, reasons and values; and for each changed field '=field', '<field:old' and '>field:new', so that one
# index finds "status changed from open to closed". Values are cut, long texts too: nobody's change may fail for them.
TERMS = """
CREATE FUNCTION audit_terms(label text, actor text, reason text, changes jsonb) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$  -- as one query in SQL it took twice the time, and was planned anew
DECLARE
  words tsvector := to_tsvector('simple', left(concat_ws(' ', label, actor, reason), 20000));
  facets text[] := '{}'; name text; value jsonb;
BEGIN
  IF changes = '{}' THEN
    RETURN words;
  ELSIF length(changes::text) > 20000 THEN
    words := words || to_tsvector('simple', left(changes::text, 20000));
  ELSE
    words := words || jsonb_to_tsvector('simple', changes, '["string", "numeric"]');
  END IF;
  FOR name, value IN SELECT left(field.key, 64), field.value FROM jsonb_each(changes) AS field LIMIT 100 LOOP
    facets := facets || ('=' || name);
    IF jsonb_typeof(value) = 'array' AND jsonb_array_length(value) = 2 THEN
      IF jsonb_typeof(value -> 0) NOT IN ('object', 'array') THEN
        facets := facets || ('<' || name || ':' || lower(left(coalesce(value ->> 0, ''), 64)));
      END IF;
      IF jsonb_typeof(value -> 1) NOT IN ('object', 'array') THEN
        facets := facets || ('>' || name || ':' || lower(left(coalesce(value ->> 1, ''), 64)));
      END IF;
    END IF;
  END LOOP;
  RETURN words || array_to_tsvector(facets);
END $$;
"""

# Nobody rewrites what proves something; a seal's number leaves no gap.
SEALED = ("audit_seal", "audit_checkpoint", "audit_check")
GUARDS = """
CREATE FUNCTION audit_seal_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.id <> 1 + coalesce((SELECT max(id) FROM audit_seal), 0) THEN
    RAISE EXCEPTION 'seal % does not follow the last one', NEW.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'seal_follows';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER follows BEFORE INSERT ON audit_seal FOR EACH ROW EXECUTE FUNCTION audit_seal_follows();
CREATE POLICY sealed ON audit_event FOR SELECT TO steward_sealer USING (true);
"""
RENEWED = {
    "ix_audit_event_object": "object_type, object_id, recorded_at DESC, id DESC",
    "ix_audit_event_client": "client_id, recorded_at DESC, id DESC",
}
ADDED = {
    "ix_audit_event_occurred": "(occurred_at DESC, id DESC)",
    "ix_audit_event_type": "(object_type, recorded_at DESC, id DESC)",
    "ix_audit_event_system": "(actor_name, recorded_at DESC, id DESC) WHERE actor_id IS NULL",
    "ix_audit_event_via": "(via, recorded_at DESC, id DESC)",
    "ix_audit_event_ip": "(ip, recorded_at DESC, id DESC)",
    # What waits to be sorted in is read by every search, and sorted in by whoever's change makes it too long.
    "ix_audit_event_search": "USING gin (search) WITH (gin_pending_list_limit = 1024)",
}
_BYTES = postgresql.BYTEA


def upgrade() -> None:
    """Add the words, the indexes, and the tables of proof."""
    op.execute(TERMS)
    op.execute(
        "ALTER TABLE audit_event ADD COLUMN search tsvector GENERATED ALWAYS AS"
        " (audit_terms(object_label, actor_name, reason, changes)) STORED"
    )
    for name, columns in RENEWED.items():
        op.execute(f"DROP INDEX {name}")
        op.execute(f"CREATE INDEX {name} ON audit_event ({columns})")
    for name, columns in ADDED.items():
        op.execute(f"CREATE INDEX {name} ON audit_event {columns}")
    op.execute("DROP INDEX ix_audit_event_recorded")  # the primary key, read backwards, is the same
    _seals()
    _exports()
    for table in SEALED:
        op.execute(
            f"CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION audit_deny()"
        )
        op.execute(
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION audit_deny()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER no_change")
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER no_truncate")
    op.execute(GUARDS)


def _seals() -> None:
    op.create_table(
        "audit_seal",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("epoch", sa.SmallInteger(), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("xid_from", sa.Text(), nullable=False),
        sa.Column("xid_to", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("id_min", sa.BigInteger(), nullable=True),
        sa.Column("id_max", sa.BigInteger(), nullable=True),
        sa.Column("form", sa.SmallInteger(), nullable=False),
        sa.Column("root", _BYTES(), nullable=False),
        sa.Column("previous", _BYTES(), nullable=False),
        sa.Column("hash", _BYTES(), nullable=False),
        sa.Column("signature", _BYTES(), nullable=False),
        sa.Column("public_key", _BYTES(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('rows', 'retired')", name=op.f("ck_audit_seal_kind")),
        sa.CheckConstraint("rows >= 0", name=op.f("ck_audit_seal_rows_not_negative")),
        sa.CheckConstraint("month ~ '^[0-9]{4}-[0-9]{2}$'", name=op.f("ck_audit_seal_month")),
        sa.CheckConstraint(
            "length(root) = 32 AND length(previous) = 32 AND length(hash) = 32 AND length(signature) = 64"
            " AND length(public_key) = 32",
            name=op.f("ck_audit_seal_lengths"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seal")),
    )
    # Transaction ids compare as what they are; SQLAlchemy has no type for them.
    op.execute(
        "ALTER TABLE audit_seal ALTER xid_from TYPE xid8 USING xid_from::xid8, ALTER xid_to TYPE xid8 USING xid_to::xid8"
    )
    op.execute(
        "ALTER TABLE audit_seal ADD CONSTRAINT ck_audit_seal_window CHECK (xid_from <= xid_to)"
    )
    op.create_index("ix_audit_seal_window", "audit_seal", ["epoch", "month", "xid_to"])
    op.create_index("ix_audit_seal_sealed_at", "audit_seal", ["sealed_at"])
    op.create_table(
        "audit_checkpoint",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("seal_id", sa.BigInteger(), nullable=False),
        sa.Column("destination", sa.String(8), nullable=False),
        sa.Column("target", sa.String(500), nullable=False),
        sa.Column(
            "sent_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "destination IN ('file', 'mail', 'webhook')",
            name=op.f("ck_audit_checkpoint_destination"),
        ),
        sa.ForeignKeyConstraint(
            ["seal_id"], ["audit_seal.id"], name=op.f("fk_audit_checkpoint_seal_id_audit_seal")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_checkpoint")),
    )
    op.create_index("ix_audit_checkpoint_destination", "audit_checkpoint", ["destination", "id"])
    op.create_index("ix_audit_checkpoint_seal_id", "audit_checkpoint", ["seal_id"])
    op.create_table(
        "audit_check",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("asked_by", sa.String(200), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seal_from", sa.BigInteger(), nullable=True),
        sa.Column("seal_to", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("unsealed", sa.BigInteger(), nullable=False),
        sa.Column("checkpoints", sa.BigInteger(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("findings", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "ok = (findings = '[]')", name=op.f("ck_audit_check_ok_is_nothing_found")
        ),
        sa.CheckConstraint(
            "finished_at >= started_at", name=op.f("ck_audit_check_ends_after_start")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_check")),
    )


def _exports() -> None:
    op.create_table(
        "audit_exports",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("query", sa.String(2000), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "format IN ('csv', 'jsonl', 'bundle')", name=op.f("ck_audit_exports_format")
        ),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (sha256 IS NULL) AND (finished_at IS NULL) = (rows IS NULL)"
            " AND (finished_at IS NULL) = (size IS NULL)",
            name=op.f("ck_audit_exports_finished_has_file"),
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_audit_exports_sha256")),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_audit_exports_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_exports")),
    )
    op.create_index("ix_audit_exports_user", "audit_exports", ["user_id", "id"])
    op.create_index("ix_audit_exports_expires_at", "audit_exports", ["expires_at"])
    op.create_index("ix_audit_exports_sha256", "audit_exports", ["sha256"])
    op.execute(
        "CREATE CONSTRAINT TRIGGER must_audit AFTER INSERT OR UPDATE OR DELETE ON audit_exports"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION must_audit()"
    )
    op.execute("ALTER TABLE audit_exports ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_exports FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner_all ON audit_exports TO CURRENT_USER USING (true)")
    op.execute(
        f"CREATE POLICY own ON audit_exports TO steward_app, steward_all USING (user_id = {ME})"
    )
    op.execute(f"CREATE POLICY of_system ON audit_exports TO steward_all USING ({ME} IS NULL)")


def downgrade() -> None:
    """Take them away again; seals go, too."""
    op.execute("DROP POLICY sealed ON audit_event")
    for table in ("audit_exports", "audit_check", "audit_checkpoint", "audit_seal"):
        op.drop_table(table)
    op.execute("DROP FUNCTION audit_seal_follows()")
    for name in ADDED:
        op.execute(f"DROP INDEX {name}")
    for name, columns in RENEWED.items():
        op.execute(f"DROP INDEX {name}")
        op.execute(f"CREATE INDEX {name} ON audit_event ({columns.removesuffix(', id DESC')})")
    op.execute("CREATE INDEX ix_audit_event_recorded ON audit_event (recorded_at DESC, id DESC)")
    op.execute("ALTER TABLE audit_event DROP COLUMN search")
    op.execute("DROP FUNCTION audit_terms(text, text, text, jsonb)")
