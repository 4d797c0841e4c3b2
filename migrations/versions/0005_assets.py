"""Assets, who has them, their files, imports and saved views."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = [
    "asset_types",
    "asset_status_transitions",
    "assets",
    "asset_unique_values",
    "asset_custody",
    "attachments",
    "saved_views",
    "asset_imports",
    "asset_import_rows",
    "asset_import_mappings",
]
AUDITED = ("asset_types", "assets", "asset_custody", "attachments", "saved_views")
ISOLATED = ("assets", "asset_unique_values", "asset_custody", "attachments")
OWN = ("asset_imports", "asset_import_mappings")

TRANSITIONS = {
    "planned": ("in_stock", "in_use", "retired"),
    "in_stock": ("planned", "in_use", "in_repair", "retired", "lost"),
    "in_use": ("in_stock", "in_repair", "retired", "lost"),
    "in_repair": ("in_stock", "in_use", "retired", "lost"),
    "retired": ("in_stock",),
    "lost": ("in_stock", "retired"),
}

RULES = r"""
-- Assets may contain assets; the same walk and lock as for locations.
CREATE FUNCTION refuse_asset_cycle() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  IF NEW.parent_id IS NULL THEN RETURN NEW; END IF;
  PERFORM pg_advisory_xact_lock(hashtext('assets tree'), (NEW.client_id % 2147483647)::int);
  IF EXISTS (
    WITH RECURSIVE up AS (
      SELECT id, parent_id FROM assets WHERE id = NEW.parent_id
      UNION SELECT a.id, a.parent_id FROM assets a JOIN up ON a.id = up.parent_id
    ) SELECT FROM up WHERE id = NEW.id
  ) THEN
    RAISE EXCEPTION 'an asset cannot lie inside itself'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'asset_cycle';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refuse_cycle BEFORE INSERT OR UPDATE OF parent_id ON assets
  FOR EACH ROW EXECUTE FUNCTION refuse_asset_cycle();

-- What lies inside an asset lies in its project, and lives no longer than it. Looked at when all has moved, at the row
-- as it is then; one table at a time, since a join of the two is planned badly when thousands have just come.
CREATE FUNCTION keep_assets_together() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE me record;
BEGIN
  SELECT id, parent_id, project_id, deleted_at INTO me FROM assets WHERE id = NEW.id;
  IF EXISTS (
    SELECT FROM assets p WHERE p.id = me.parent_id
       AND (me.project_id IS DISTINCT FROM p.project_id OR (p.deleted_at IS NOT NULL AND me.deleted_at IS NULL))
  ) OR EXISTS (
    SELECT FROM assets c WHERE c.parent_id = me.id
       AND (c.project_id IS DISTINCT FROM me.project_id OR (me.deleted_at IS NOT NULL AND c.deleted_at IS NULL))
  ) THEN
    RAISE EXCEPTION 'an asset is where the asset is that contains it'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'asset_apart';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER keep_together AFTER INSERT OR UPDATE OF parent_id, project_id, client_id, deleted_at ON assets
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep_assets_together();

-- A live asset hangs on a live client, project and type. After the row, so that policies and keys speak first: what is
-- out of sight and what does not exist are refused alike.
CREATE FUNCTION keep_asset_alive() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE gone boolean;
BEGIN
  IF NEW.deleted_at IS NOT NULL THEN
    IF EXISTS (SELECT FROM asset_custody WHERE asset_id = NEW.id AND returned_at IS NULL) THEN
      RAISE EXCEPTION 'somebody still has it'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'asset_handed_out';
    END IF;
    RETURN NULL;
  END IF;
  SELECT deleted_at IS NOT NULL INTO gone FROM clients WHERE id = NEW.client_id FOR SHARE;
  IF gone IS NOT TRUE AND NEW.project_id IS NOT NULL THEN
    SELECT deleted_at IS NOT NULL INTO gone FROM projects
     WHERE client_id = NEW.client_id AND id = NEW.project_id FOR SHARE;
  END IF;
  IF gone IS NOT TRUE THEN
    SELECT deleted_at IS NOT NULL INTO gone FROM asset_types WHERE id = NEW.type_id FOR SHARE;
  END IF;
  IF gone THEN
    RAISE EXCEPTION 'what it belongs to is deleted'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'parent_deleted';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER keep_alive AFTER INSERT OR UPDATE OF client_id, project_id, type_id, deleted_at ON assets
  FOR EACH ROW EXECUTE FUNCTION keep_asset_alive();

-- Undoing a request goes back on any way, if it was the last to change this status, not a day ago, by the same person.
CREATE FUNCTION keep_transition() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT EXISTS (
    SELECT FROM asset_status_transitions WHERE from_status = OLD.status AND to_status = NEW.status)
    AND (nullif(current_setting('app.undoes', true), '') IS NULL OR (
      SELECT CASE WHEN request_id = current_setting('app.undoes')
                   AND actor_id::text = current_setting('app.user_id', true) THEN changes->'status' END
        FROM audit_event
       WHERE object_type = 'asset' AND object_id = OLD.id AND recorded_at > now() - interval '1 day'
         AND outcome = 'ok' AND changes ? 'status'
       ORDER BY recorded_at DESC, id DESC LIMIT 1)
      IS DISTINCT FROM jsonb_build_array(NEW.status, OLD.status)) THEN
    RAISE EXCEPTION 'an asset that is % does not become %', OLD.status, NEW.status
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'status_transition';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_transition BEFORE UPDATE OF status ON assets
  FOR EACH ROW EXECUTE FUNCTION keep_transition();

-- Only what is in stock or in use is handed out; who has something keeps it "in use". After the row, as above.
CREATE FUNCTION keep_custody() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  IF NEW.returned_at IS NULL AND NOT EXISTS (
    SELECT FROM assets WHERE client_id = NEW.client_id AND id = NEW.asset_id AND deleted_at IS NULL
       AND status IN ('in_stock', 'in_use') FOR SHARE) THEN
    RAISE EXCEPTION 'this asset cannot be handed out'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'not_available';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER keep_custody AFTER INSERT ON asset_custody FOR EACH ROW EXECUTE FUNCTION keep_custody();

-- An asset has the attributes of its type, each of its kind; unique ones are unique within a client.
CREATE FUNCTION check_attributes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE rules jsonb; rule jsonb; value jsonb; fine boolean;
BEGIN
  -- Held until the end, so that whoever changes the type waits, and then sees this asset.
  SELECT attributes INTO rules FROM asset_types WHERE id = NEW.type_id FOR SHARE;
  IF EXISTS (SELECT FROM jsonb_object_keys(NEW.attributes) AS k
              WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(rules) AS r WHERE r->>'key' = k)) THEN
    RAISE EXCEPTION 'unknown attribute' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'attribute_unknown';
  END IF;
  FOR rule IN SELECT * FROM jsonb_array_elements(rules) LOOP
    value := NEW.attributes -> (rule->>'key');
    IF value IS NULL OR value = 'null' THEN
      IF (rule->>'required')::boolean THEN
        RAISE EXCEPTION '% is required', rule->>'label'
          USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'attribute_required';
      END IF;
      CONTINUE;
    END IF;
    fine := CASE rule->>'kind'
      WHEN 'number' THEN jsonb_typeof(value) = 'number'
      WHEN 'yesno' THEN jsonb_typeof(value) = 'boolean'
      WHEN 'choice' THEN (rule->'choices') ? (value #>> '{}')
      WHEN 'date' THEN (value #>> '{}') ~ '^\d{4}-\d{2}-\d{2}$'
      WHEN 'link' THEN (value #>> '{}') ~ '^https?://'
      ELSE jsonb_typeof(value) = 'string' END;
    IF NOT fine THEN
      RAISE EXCEPTION '% has a wrong value', rule->>'label'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'attribute_kind';
    END IF;
  END LOOP;
  RETURN NEW;
END $$;
CREATE TRIGGER check_attributes BEFORE INSERT OR UPDATE OF attributes, type_id ON assets
  FOR EACH ROW EXECUTE FUNCTION check_attributes();

CREATE FUNCTION keep_unique_values() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  DELETE FROM asset_unique_values WHERE asset_id = NEW.id;
  INSERT INTO asset_unique_values (client_id, type_id, key, value, asset_id)
  SELECT NEW.client_id, NEW.type_id, r->>'key', lower(left(NEW.attributes ->> (r->>'key'), 500)), NEW.id
    FROM asset_types t, jsonb_array_elements(t.attributes) AS r
   WHERE t.id = NEW.type_id AND (r->>'unique')::boolean AND NEW.attributes ->> (r->>'key') IS NOT NULL
     AND NEW.deleted_at IS NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER keep_unique_values AFTER INSERT OR UPDATE OF attributes, type_id, client_id, deleted_at ON assets
  FOR EACH ROW EXECUTE FUNCTION keep_unique_values();
"""

FUNCTIONS = (
    "refuse_asset_cycle",
    "keep_assets_together",
    "keep_asset_alive",
    "keep_transition",
    "keep_custody",
    "check_attributes",
    "keep_unique_values",
    "refuse_occupied",
)

# What holds live assets, or is held, is not deleted from under them.
OCCUPIED = """
CREATE FUNCTION refuse_occupied() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  IF NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL AND (CASE TG_TABLE_NAME
    WHEN 'clients' THEN EXISTS (SELECT FROM assets WHERE client_id = NEW.id AND deleted_at IS NULL)
    WHEN 'projects' THEN EXISTS (SELECT FROM assets WHERE project_id = NEW.id AND deleted_at IS NULL)
    WHEN 'asset_types' THEN EXISTS (SELECT FROM assets WHERE type_id = NEW.id AND deleted_at IS NULL)
    ELSE EXISTS (SELECT FROM asset_custody WHERE holder_location_id = NEW.id AND returned_at IS NULL) END)
  THEN
    RAISE EXCEPTION 'something still belongs to it'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'still_occupied';
  END IF;
  RETURN NEW;
END $$;
"""

# A person scoped to a project sees what hangs on its assets. Without SELECT the scope might be asked for with each row.
SCOPE = """
CREATE FUNCTION steward_assets_in_scope() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT coalesce(array_agg(id), '{}') FROM assets WHERE project_id = ANY ((SELECT steward_scope('project'))::bigint[])
$$;

-- Full text under a policy would scan: @@ is not leakproof. This filters by scope itself, with the index. No more than
-- "most", since what nearly every row has is found faster by walking through them in order.
CREATE FUNCTION steward_find_assets(query tsquery, most integer) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public SET enable_seqscan = off AS $$
  WITH mine AS MATERIALIZED (SELECT steward_scope('client') AS clients, steward_scope('project') AS projects)
  SELECT coalesce(array_agg(id), '{}') FROM (
    SELECT a.id FROM assets a, mine
     WHERE a.search @@ query AND (a.client_id = ANY (mine.clients) OR a.project_id = ANY (mine.projects)) LIMIT most
  ) AS found
$$;

-- Counts for the tree. Under a policy each row is held against the array of all clients in scope, which takes a second
-- for two thousand clients; here the clients are looked up in an index that holds all there is to know.
CREATE FUNCTION steward_count_assets(wanted bigint[]) RETURNS TABLE (client_id bigint, project_id bigint, n bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  WITH mine AS MATERIALIZED (SELECT steward_scope('client') AS clients, steward_scope('project') AS projects)
  SELECT a.client_id, a.project_id, count(*) FROM assets a WHERE a.deleted_at IS NULL
     AND a.client_id = ANY (ARRAY(SELECT unnest(wanted) INTERSECT SELECT unnest(clients) FROM mine)) GROUP BY 1, 2
  UNION ALL
  SELECT a.client_id, a.project_id, count(*) FROM assets a WHERE a.deleted_at IS NULL
     AND a.project_id = ANY (ARRAY(SELECT unnest(projects) FROM mine))
     AND a.client_id = ANY (ARRAY(SELECT unnest(wanted) EXCEPT SELECT unnest(clients) FROM mine)) GROUP BY 1, 2
$$;

-- The same for those whom no policy holds back. The planner takes the beginning of a rare word for a frequent one, and
-- would read all rows.
CREATE FUNCTION steward_match_assets(query tsquery, most integer) RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = public SET enable_seqscan = off AS $$
  SELECT coalesce(array_agg(id), '{}') FROM (SELECT id FROM assets WHERE search @@ query LIMIT most) AS found
$$;
"""


# What the foundation's keys and triggers told about clients out of sight, they tell no more.
SILENCE = """
DROP TRIGGER keep_alive ON projects;
CREATE TRIGGER keep_alive AFTER INSERT OR UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION keep_tree_alive();
ALTER POLICY in_scope ON projects WITH CHECK (
  client_id = ANY ((SELECT steward_scope('client'))::bigint[])
  OR (id = ANY ((SELECT steward_scope('project'))::bigint[])
    AND client_id = ANY ((SELECT steward_scope('client of project'))::bigint[])));

-- Codes are unique in a place; who sees no other client there does not choose one.
ALTER TABLE clients DROP CONSTRAINT uq_clients_code;
ALTER TABLE clients ADD CONSTRAINT uq_clients_location_id_code UNIQUE (location_id, code);
CREATE INDEX ix_clients_code ON clients (code);
CREATE FUNCTION keep_client_code() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_user = 'steward_app' AND NOT NEW.location_id = ANY (steward_scope('location')) THEN
    RAISE EXCEPTION 'who works for one client chooses neither its code nor its place'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_code BEFORE UPDATE OF code, location_id ON clients FOR EACH ROW
  WHEN (NEW.code <> OLD.code OR NEW.location_id <> OLD.location_id) EXECUTE FUNCTION keep_client_code();
"""
LOUD = """
DROP TRIGGER keep_code ON clients;
DROP FUNCTION keep_client_code();
DROP INDEX ix_clients_code;
ALTER TABLE clients DROP CONSTRAINT uq_clients_location_id_code;
ALTER TABLE clients ADD CONSTRAINT uq_clients_code UNIQUE (code);
ALTER POLICY in_scope ON projects WITH CHECK (
  client_id = ANY ((SELECT steward_scope('client'))::bigint[]) OR id = ANY ((SELECT steward_scope('project'))::bigint[]));
DROP TRIGGER keep_alive ON projects;
CREATE TRIGGER keep_alive BEFORE INSERT OR UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION keep_tree_alive();
"""


def upgrade() -> None:
    """Create the tables, then what guards them."""
    op.execute(SILENCE)
    op.create_table(
        "asset_types",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_asset_types_name_not_blank")),
        sa.CheckConstraint("jsonb_typeof(attributes) = 'array'", name=op.f("ck_asset_types_attributes_list")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_types")),
    )
    op.create_index("ix_asset_types_name_id", "asset_types", ["name", "id"], unique=False)
    op.create_index(
        "uq_asset_types_name",
        "asset_types",
        [sa.literal_column("lower(name)")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "asset_status_transitions",
        sa.Column("from_status", sa.String(length=32), nullable=False),
        sa.Column("to_status", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("from_status", "to_status", name="pk_asset_status_transitions"),
    )
    op.create_table(
        "assets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tag", sa.String(length=64), nullable=False),
        sa.Column("tag_key", sa.String(length=64), sa.Computed("lower(tag)", persisted=True), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("type_id", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "planned",
                "in_stock",
                "in_use",
                "in_repair",
                "retired",
                "lost",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="in_stock",
            nullable=False,
        ),
        sa.Column("serial", sa.String(length=120), server_default="", nullable=False),
        sa.Column("manufacturer", sa.String(length=120), server_default="", nullable=False),
        sa.Column("model", sa.String(length=160), server_default="", nullable=False),
        sa.Column("purchased_on", sa.Date(), nullable=True),
        sa.Column("cost", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("warranty_until", sa.Date(), nullable=True),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed(
                "to_tsvector('simple', translate(tag || ' ' || serial, '-._/:', '     ') || ' ' || tag || ' ' || serial || ' ' || name || ' ' || manufacturer || ' ' || model) || jsonb_to_tsvector('simple', attributes, '[\"string\", \"numeric\"]')",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_assets_name_not_blank")),
        sa.CheckConstraint("jsonb_typeof(attributes) = 'object'", name=op.f("ck_assets_attributes_object")),
        sa.CheckConstraint("tag ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'", name=op.f("ck_assets_tag_format")),
        sa.CheckConstraint("cost >= 0", name=op.f("ck_assets_cost_not_negative")),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_assets_not_its_own_parent")),
        sa.ForeignKeyConstraint(
            ["client_id", "parent_id"],
            ["assets.client_id", "assets.id"],
            name="fk_assets_parent",
            ondelete="RESTRICT",
            initially="IMMEDIATE",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["client_id", "project_id"],
            ["projects.client_id", "projects.id"],
            name="fk_assets_project",
            ondelete="RESTRICT",
            initially="IMMEDIATE",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_assets_client_id_clients"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["type_id"], ["asset_types.id"], name=op.f("fk_assets_type_id_asset_types"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
        sa.UniqueConstraint("client_id", "id", name=op.f("uq_assets_client_id_id")),
    )
    op.create_index(
        "ix_assets_client_tag_id",
        "assets",
        ["client_id", "tag", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_assets_deleted",
        "assets",
        ["tag", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "ix_assets_model_id",
        "assets",
        ["model", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_assets_name_id",
        "assets",
        ["name", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index("ix_assets_parent_id", "assets", ["parent_id"], unique=False)
    op.create_index(
        "ix_assets_count",
        "assets",
        ["client_id", "project_id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_assets_top",
        "assets",
        ["client_id", "tag", "id"],
        unique=False,
        postgresql_where=sa.text("project_id IS NULL AND parent_id IS NULL AND deleted_at IS NULL"),
    )
    op.create_index(
        "ix_assets_project_tag_id",
        "assets",
        ["project_id", "tag", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_assets_purchased_id",
        "assets",
        [sa.literal_column("coalesce(purchased_on, '9999-12-31'::date)"), "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index("ix_assets_search", "assets", ["search"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_assets_serial_id",
        "assets",
        ["serial", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_assets_status_tag_id",
        "assets",
        ["status", "tag", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_assets_tag_id",
        "assets",
        ["tag", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_assets_type_status_tag_id",
        "assets",
        ["type_id", "status", "tag", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_assets_type_tag_id",
        "assets",
        ["type_id", "tag", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_assets_updated_id",
        "assets",
        ["updated_at", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_assets_warranty_id",
        "assets",
        [sa.literal_column("coalesce(warranty_until, '9999-12-31'::date)"), "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index("uq_assets_client_tag", "assets", ["client_id", "tag_key"], unique=True)
    op.create_index("ix_assets_tag_key", "assets", ["tag_key"], unique=False)
    op.create_table(
        "asset_unique_values",
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("type_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=500), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id", "asset_id"],
            ["assets.client_id", "assets.id"],
            name="fk_asset_unique_values_asset",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["type_id"],
            ["asset_types.id"],
            name=op.f("fk_asset_unique_values_type_id_asset_types"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("client_id", "type_id", "key", "value", name="pk_asset_unique_values"),
    )
    op.create_index("ix_asset_unique_values_asset_id", "asset_unique_values", ["asset_id"], unique=False)
    op.create_table(
        "asset_custody",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("holder_user_id", sa.BigInteger(), nullable=True),
        sa.Column("holder_location_id", sa.BigInteger(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "condition",
            sa.Enum(
                "good",
                "worn",
                "damaged",
                name="condition",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("return_note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(client_id, client_id, '[]')"), "&&"),
            (sa.text("int8range(asset_id, asset_id, '[]')"), "&&"),
            (sa.text("tstzrange(taken_at, returned_at)"), "&&"),
            using="gist",
            name="ex_asset_custody_one_at_a_time",
        ),
        sa.CheckConstraint(
            "due_on >= (taken_at AT TIME ZONE 'UTC')::date - 1", name=op.f("ck_asset_custody_due_after_taken")
        ),
        sa.CheckConstraint(
            "num_nonnulls(holder_user_id, holder_location_id) = 1", name=op.f("ck_asset_custody_one_holder")
        ),
        sa.CheckConstraint("returned_at >= taken_at", name=op.f("ck_asset_custody_returned_after_taken")),
        sa.ForeignKeyConstraint(
            ["client_id", "asset_id"],
            ["assets.client_id", "assets.id"],
            name="fk_asset_custody_asset",
            onupdate="CASCADE",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["holder_location_id"],
            ["locations.id"],
            name=op.f("fk_asset_custody_holder_location_id_locations"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["holder_user_id"],
            ["users.id"],
            name=op.f("fk_asset_custody_holder_user_id_users"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_custody")),
    )
    op.create_index(
        "ix_asset_custody_asset",
        "asset_custody",
        ["asset_id", sa.literal_column("taken_at DESC")],
        unique=False,
    )
    op.create_index("ix_asset_custody_client_id", "asset_custody", ["client_id"], unique=False)
    op.create_index(
        "ix_asset_custody_due",
        "asset_custody",
        ["due_on", "id"],
        unique=False,
        postgresql_where=sa.text("returned_at IS NULL AND due_on IS NOT NULL"),
    )
    op.create_index(
        "ix_asset_custody_location",
        "asset_custody",
        ["holder_location_id", "asset_id"],
        unique=False,
        postgresql_where=sa.text("returned_at IS NULL"),
    )
    op.create_index(
        "ix_asset_custody_user",
        "asset_custody",
        ["holder_user_id", "asset_id"],
        unique=False,
        postgresql_where=sa.text("returned_at IS NULL"),
    )
    op.create_table(
        "attachments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("preview_sha256", sa.String(length=64), nullable=True),
        sa.Column("thumb_sha256", sa.String(length=64), nullable=True),
        sa.Column("is_main", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("uploaded_by_id", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_attachments_name_not_blank")),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_attachments_sha256_format")),
        sa.CheckConstraint("size > 0", name=op.f("ck_attachments_size_positive")),
        sa.ForeignKeyConstraint(
            ["client_id", "asset_id"],
            ["assets.client_id", "assets.id"],
            name="fk_attachments_asset",
            onupdate="CASCADE",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["uploaded_by_id"],
            ["users.id"],
            name=op.f("fk_attachments_uploaded_by_id_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
    )
    op.create_index("ix_attachments_asset", "attachments", ["asset_id", "id"], unique=False)
    op.create_index("ix_attachments_client_id", "attachments", ["client_id"], unique=False)
    op.create_index("ix_attachments_sha256", "attachments", ["sha256"], unique=False)
    op.create_index(
        "ix_attachments_deleted",
        "attachments",
        ["deleted_at"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index(
        "uq_attachments_main",
        "attachments",
        ["asset_id"],
        unique=True,
        postgresql_where=sa.text("is_main AND deleted_at IS NULL"),
    )
    op.create_table(
        "saved_views",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("query", sa.String(length=2000), nullable=False),
        sa.Column("is_shared", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_saved_views_name_not_blank")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_saved_views_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    op.create_index(
        "ix_saved_views_shared",
        "saved_views",
        ["page", "name"],
        unique=False,
        postgresql_where=sa.text("is_shared"),
    )
    op.create_index(
        "uq_saved_views_owner_name",
        "saved_views",
        ["user_id", "page", sa.literal_column("lower(name)")],
        unique=True,
    )
    op.create_table(
        "asset_imports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "uploaded",
                "checking",
                "checked",
                "applying",
                "applied",
                "failed",
                name="importstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="uploaded",
            nullable=False,
        ),
        sa.Column("header", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "counts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_asset_imports_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_imports")),
    )
    op.create_index(
        "ix_asset_imports_user", "asset_imports", ["user_id", sa.literal_column("id DESC")], unique=False
    )
    op.create_table(
        "asset_import_rows",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "new",
                "changed",
                "same",
                "wrong",
                name="verdict",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("label", sa.String(length=300), server_default="", nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("problems", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["asset_imports.id"],
            name=op.f("fk_asset_import_rows_run_id_asset_imports"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_id", "line", name="pk_asset_import_rows"),
    )
    op.create_index(
        "ix_asset_import_rows_verdict", "asset_import_rows", ["run_id", "verdict", "line"], unique=False
    )
    op.create_table(
        "asset_import_mappings",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("header_hash", sa.String(length=64), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_asset_import_mappings_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "header_hash", name="pk_asset_import_mappings"),
    )
    op.execute("CREATE SEQUENCE asset_tags")
    op.execute(RULES)
    op.execute(OCCUPIED)
    for table in ("locations", "clients", "projects", "asset_types"):
        op.execute(
            f"CREATE TRIGGER refuse_occupied BEFORE UPDATE OF deleted_at ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_occupied()"
        )
    for table in AUDITED:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER must_audit AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION must_audit()"
        )
    op.execute(SCOPE)
    for table in (*ISOLATED, *OWN):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY owner_all ON {table} TO CURRENT_USER USING (true)")
    for table in ISOLATED:
        projects = (
            "project_id = ANY ((SELECT steward_scope('project'))::bigint[])"
            if table == "assets"
            else "asset_id = ANY ((SELECT steward_assets_in_scope())::bigint[])"
        )
        op.execute(f"CREATE POLICY all_clients ON {table} TO steward_all USING (true)")
        op.execute(
            f"CREATE POLICY in_scope ON {table} TO steward_app USING ("
            f"client_id = ANY ((SELECT steward_scope('client'))::bigint[]) OR ({projects}"
            # Else a row could name its own project and another client, and keys would tell of that one's rows.
            " AND client_id = ANY ((SELECT steward_scope('client of project'))::bigint[])))"
        )
    for table in OWN:
        op.execute(
            f"CREATE POLICY own ON {table} TO steward_app, steward_all "
            "USING (user_id = nullif(current_setting('app.user_id', true), '')::bigint)"
        )
    # The system, which acts as nobody, forgets old ones.
    op.execute(
        "CREATE POLICY of_system ON asset_imports TO steward_all "
        "USING (nullif(current_setting('app.user_id', true), '') IS NULL)"
    )
    op.execute("ALTER TABLE asset_import_rows ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE asset_import_rows FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY owner_all ON asset_import_rows TO CURRENT_USER USING (true)")
    op.execute(
        "CREATE POLICY own ON asset_import_rows TO steward_app, steward_all"
        " USING (run_id IN (SELECT id FROM asset_imports))"
    )
    # Asked for each row of a change: of a transaction's many rows one is enough, and a bitmap would gather them all.
    for method in ("enable_seqscan", "enable_bitmapscan"):
        op.execute(f"ALTER FUNCTION must_audit() SET {method} = off")
    for before, afters in TRANSITIONS.items():
        for after in afters:
            op.execute(f"INSERT INTO asset_status_transitions VALUES ('{before}', '{after}')")


def downgrade() -> None:
    """Drop them again."""
    for method in ("enable_seqscan", "enable_bitmapscan"):
        op.execute(f"ALTER FUNCTION must_audit() RESET {method}")
    op.execute(LOUD)
    for table in ("locations", "clients", "projects"):
        op.execute(f"DROP TRIGGER refuse_occupied ON {table}")
    op.execute("DROP FUNCTION steward_find_assets(tsquery, integer), steward_match_assets(tsquery, integer)")
    op.execute("DROP FUNCTION steward_count_assets(bigint[])")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table} CASCADE")
    op.execute("DROP FUNCTION steward_assets_in_scope()")
    op.execute("DROP SEQUENCE asset_tags")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}()")
