"""What the database itself refuses: unaudited changes, edits of the log, rows out of scope, broken rules."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LOG = """
CREATE FUNCTION audit_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.xid := pg_current_xact_id();
  NEW.recorded_at := transaction_timestamp();
  IF NEW.category <> 'import' OR NEW.occurred_at IS NULL THEN
    NEW.occurred_at := NEW.recorded_at;
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION audit_deny() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only (% on %)', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;

-- Looks for the row itself: a setting could be forged by whoever may change the table. The index leads there.
CREATE FUNCTION must_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM audit_event
                  WHERE recorded_at = transaction_timestamp() AND xid = pg_current_xact_id()) THEN
    RAISE EXCEPTION 'unaudited change to %', TG_TABLE_NAME
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'must_audit';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER stamp BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_stamp();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_deny();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION audit_deny();
ALTER TABLE audit_event ENABLE ALWAYS TRIGGER stamp;
ALTER TABLE audit_event ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE audit_event ENABLE ALWAYS TRIGGER no_truncate;

-- Makes the partitions of this month and the next ones. Triggers on TRUNCATE are not inherited.
CREATE FUNCTION audit_add_months(ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  first date; partition text; made integer := 0;
BEGIN
  FOR i IN 0 .. ahead LOOP
    first := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i))::date;
    partition := format('audit_event_%s', to_char(first, 'YYYY_MM'));
    IF to_regclass(partition) IS NULL THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF audit_event FOR VALUES FROM (%L) TO (%L)', partition,
        first || ' 00:00:00+00', (first + interval '1 month')::date || ' 00:00:00+00');
      EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT '
        'EXECUTE FUNCTION audit_deny()', partition);
      EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER no_truncate', partition);
      EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER no_change', partition);
      EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER stamp', partition);
      made := made + 1;
    END IF;
  END LOOP;
  RETURN made;
END $$;
REVOKE ALL ON FUNCTION audit_add_months(integer) FROM PUBLIC;
"""

# Which columns count as a change of the business; '' stands for all.
AUDITED = {
    "locations": "",
    "clients": "",
    "projects": "",
    "roles": "",
    "role_permissions": "",
    "page_roles": "",
    "user_roles": "",
    "notifications": "",
    "user_tokens": "",
    "users": "OF email, name, password_hash, is_active, locale, timezone, theme",
    "user_sessions": "OF user_id, token_hash, revoked_at, expires_at",
}

RULES = """
-- Walks up from the new parent; the lock keeps two moves from closing a circle together.
CREATE FUNCTION refuse_location_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.parent_id IS NULL THEN RETURN NEW; END IF;
  PERFORM pg_advisory_xact_lock(hashtext('locations tree'));
  IF EXISTS (
    WITH RECURSIVE up AS (
      SELECT id, parent_id FROM locations WHERE id = NEW.parent_id
      UNION SELECT l.id, l.parent_id FROM locations l JOIN up ON l.id = up.parent_id
    ) SELECT FROM up WHERE id = NEW.id
  ) THEN
    RAISE EXCEPTION 'a location cannot lie inside itself'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'location_cycle';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refuse_cycle BEFORE INSERT OR UPDATE OF parent_id ON locations
  FOR EACH ROW EXECUTE FUNCTION refuse_location_cycle();

-- What is live hangs on live parents only. The parent's row is locked, so that it cannot vanish meanwhile.
CREATE FUNCTION keep_tree_alive() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE orphan boolean := false; occupied boolean := false;
BEGIN
  IF NEW.deleted_at IS NULL THEN
    IF TG_TABLE_NAME = 'locations' THEN
      IF NEW.parent_id IS NOT NULL THEN
        PERFORM FROM locations WHERE id = NEW.parent_id AND deleted_at IS NULL FOR SHARE; orphan := NOT FOUND;
      END IF;
    ELSIF TG_TABLE_NAME = 'clients' THEN
      PERFORM FROM locations WHERE id = NEW.location_id AND deleted_at IS NULL FOR SHARE; orphan := NOT FOUND;
    ELSIF TG_TABLE_NAME = 'projects' THEN
      PERFORM FROM clients WHERE id = NEW.client_id AND deleted_at IS NULL FOR SHARE; orphan := NOT FOUND;
    END IF;
  ELSIF TG_TABLE_NAME = 'locations' THEN
    occupied := EXISTS (SELECT FROM locations WHERE parent_id = NEW.id AND deleted_at IS NULL)
      OR EXISTS (SELECT FROM clients WHERE location_id = NEW.id AND deleted_at IS NULL);
  ELSIF TG_TABLE_NAME = 'clients' THEN
    occupied := EXISTS (SELECT FROM projects WHERE client_id = NEW.id AND deleted_at IS NULL);
  END IF;
  IF orphan THEN
    RAISE EXCEPTION 'what it belongs to is deleted or missing'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'parent_deleted';
  ELSIF occupied THEN
    RAISE EXCEPTION 'something still belongs to it'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'still_occupied';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_alive BEFORE INSERT OR UPDATE ON locations FOR EACH ROW EXECUTE FUNCTION keep_tree_alive();
CREATE TRIGGER keep_alive BEFORE INSERT OR UPDATE ON clients FOR EACH ROW EXECUTE FUNCTION keep_tree_alive();
CREATE TRIGGER keep_alive BEFORE INSERT OR UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION keep_tree_alive();

-- Nobody edits their own roles.
CREATE FUNCTION refuse_own_grant() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE me bigint := nullif(current_setting('app.user_id', true), '')::bigint;
BEGIN
  IF me IS NOT NULL AND (me = OLD.user_id OR me = NEW.user_id) THEN
    RAISE EXCEPTION 'nobody edits their own roles'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'own_roles';
  END IF;
  RETURN COALESCE(NEW, OLD);
END $$;
CREATE TRIGGER not_own BEFORE INSERT OR UPDATE OR DELETE ON user_roles
  FOR EACH ROW EXECUTE FUNCTION refuse_own_grant();

-- Who counts can sign in: is active, and has chosen a password.
CREATE FUNCTION administrators() RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT count(DISTINCT u.id) FROM users u
    JOIN user_roles ur ON ur.user_id = u.id AND num_nonnulls(ur.location_id, ur.client_id, ur.project_id) = 0
    JOIN role_permissions rp ON rp.role_id = ur.role_id
    JOIN permissions p ON p.id = rp.permission_id AND p.key = 'roles.edit'
   WHERE u.is_active AND u.password_hash LIKE '$argon2%'
$$;

-- Of these, who holds every page and permission everywhere: without one, something could be lost for good.
CREATE FUNCTION full_administrators() RETURNS bigint LANGUAGE sql STABLE AS $$
  WITH held AS MATERIALIZED (
    SELECT DISTINCT u.id AS user_id, ur.role_id FROM users u
      JOIN user_roles ur ON ur.user_id = u.id AND num_nonnulls(ur.location_id, ur.client_id, ur.project_id) = 0
     WHERE u.is_active AND u.password_hash LIKE '$argon2%'
       AND EXISTS (SELECT FROM user_roles o JOIN role_permissions rp USING (role_id)
                     JOIN permissions p ON p.id = rp.permission_id AND p.key = 'roles.edit'
                    WHERE o.user_id = u.id AND num_nonnulls(o.location_id, o.client_id, o.project_id) = 0)
  )
  SELECT count(*) FROM (SELECT DISTINCT user_id FROM held) AS one
   WHERE (SELECT count(DISTINCT rp.permission_id) FROM held JOIN role_permissions rp USING (role_id)
           WHERE held.user_id = one.user_id) = (SELECT count(*) FROM permissions)
     AND (SELECT count(DISTINCT pr.page_id) FROM held JOIN page_roles pr USING (role_id)
           WHERE held.user_id = one.user_id) = (SELECT count(*) FROM pages)
$$;

-- Notes, before the first change of a transaction, how many there were.
CREATE FUNCTION note_administrators() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE this text := pg_current_xact_id()::text;
BEGIN
  IF split_part(current_setting('steward.administrators', true), ':', 1) IS DISTINCT FROM this THEN
    PERFORM set_config('steward.administrators', this || ':' || administrators() || ':' || full_administrators(), true);
  END IF;
  RETURN NULL;
END $$;

-- Somebody stays who may edit roles everywhere, and somebody who holds everything, if there was one.
-- The lock makes two takers wait for each other.
CREATE FUNCTION keep_an_administrator() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE noted text[] := string_to_array(current_setting('steward.administrators', true), ':');
BEGIN
  IF noted[2]::bigint > 0 THEN
    PERFORM pg_advisory_xact_lock(hashtext('administrators'));
    IF administrators() = 0 OR (noted[3]::bigint > 0 AND full_administrators() = 0) THEN
      RAISE EXCEPTION 'the last administrator stays'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'last_administrator';
    END IF;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note_administrators BEFORE UPDATE OR DELETE ON user_roles
  FOR EACH STATEMENT EXECUTE FUNCTION note_administrators();
CREATE TRIGGER note_administrators BEFORE UPDATE OR DELETE ON role_permissions
  FOR EACH STATEMENT EXECUTE FUNCTION note_administrators();
CREATE TRIGGER note_administrators BEFORE UPDATE OR DELETE ON page_roles
  FOR EACH STATEMENT EXECUTE FUNCTION note_administrators();
CREATE TRIGGER note_administrators BEFORE UPDATE OF is_active, password_hash OR DELETE ON users
  FOR EACH STATEMENT EXECUTE FUNCTION note_administrators();
CREATE CONSTRAINT TRIGGER keep_administrator AFTER UPDATE OR DELETE ON user_roles
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep_an_administrator();
CREATE CONSTRAINT TRIGGER keep_administrator AFTER UPDATE OR DELETE ON role_permissions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep_an_administrator();
CREATE CONSTRAINT TRIGGER keep_administrator AFTER UPDATE OR DELETE ON page_roles
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep_an_administrator();
CREATE CONSTRAINT TRIGGER keep_administrator AFTER UPDATE OF is_active, password_hash OR DELETE ON users
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep_an_administrator();
"""

# The policies read app.user_id and app.page, which the unit of work sets for one transaction. Only the roles
# that open the page count. People who see everything run as steward_all.
SCOPE = """
CREATE FUNCTION steward_scope(kind text) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  WITH RECURSIVE held AS (
    SELECT ur.location_id, ur.client_id, ur.project_id FROM user_roles ur
     WHERE ur.user_id = nullif(current_setting('app.user_id', true), '')::bigint
       AND (nullif(current_setting('app.page', true), '') IS NULL OR EXISTS (
         SELECT FROM page_roles pr JOIN pages p ON p.id = pr.page_id
          WHERE pr.role_id = ur.role_id AND p.key = current_setting('app.page', true)))
  ), places AS (
    SELECT location_id AS id FROM held WHERE location_id IS NOT NULL
    UNION SELECT l.id FROM locations l JOIN places ON l.parent_id = places.id
  )
  SELECT coalesce(array_agg(id), '{}') FROM (
    SELECT id FROM places WHERE kind = 'location'
    UNION SELECT client_id FROM held WHERE kind = 'client' AND client_id IS NOT NULL
    UNION SELECT c.id FROM clients c JOIN places ON c.location_id = places.id WHERE kind = 'client'
    UNION SELECT project_id FROM held WHERE kind = 'project' AND project_id IS NOT NULL
    UNION SELECT p.client_id FROM projects p JOIN held ON held.project_id = p.id WHERE kind = 'client of project'
  ) AS ids
$$;

ALTER TABLE clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE clients FORCE ROW LEVEL SECURITY;
ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
ALTER TABLE projects FORCE ROW LEVEL SECURITY;

CREATE POLICY owner_all ON clients TO CURRENT_USER USING (true);
CREATE POLICY owner_all ON projects TO CURRENT_USER USING (true);
CREATE POLICY all_clients ON clients TO steward_all USING (true);
CREATE POLICY all_clients ON projects TO steward_all USING (true);

CREATE POLICY in_scope ON clients TO steward_app USING (
  location_id = ANY ((SELECT steward_scope('location'))::bigint[])
  OR id = ANY ((SELECT steward_scope('client'))::bigint[]));
-- Who works on one project may read whose it is.
CREATE POLICY of_project ON clients FOR SELECT TO steward_app USING (
  id = ANY ((SELECT steward_scope('client of project'))::bigint[]));
CREATE POLICY in_scope ON projects TO steward_app USING (
  client_id = ANY ((SELECT steward_scope('client'))::bigint[])
  OR id = ANY ((SELECT steward_scope('project'))::bigint[]));
"""

TRIGGERS = {
    "refuse_cycle": ("locations",),
    "keep_alive": ("locations", "clients", "projects"),
    "not_own": ("user_roles",),
    "note_administrators": ("user_roles", "role_permissions", "page_roles", "users"),
    "keep_administrator": ("user_roles", "role_permissions", "page_roles", "users"),
}


def upgrade() -> None:
    """Put the guards in place."""
    op.execute(LOG)
    for table, columns in AUDITED.items():
        op.execute(
            f"CREATE CONSTRAINT TRIGGER must_audit AFTER INSERT OR UPDATE {columns} OR DELETE ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION must_audit()"
        )
    op.execute(RULES)
    op.execute(SCOPE)
    op.execute("SELECT audit_add_months(13)")


def downgrade() -> None:
    """Take the guards away; the partitions go with their rows."""
    for table in ("clients", "projects"):
        for policy in ("owner_all", "all_clients", "in_scope", "of_project"):
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for trigger, tables in TRIGGERS.items():
        for table in tables:
            op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for table in AUDITED:
        op.execute(f"DROP TRIGGER must_audit ON {table}")
    op.execute(
        "DO $$ DECLARE p regclass; BEGIN FOR p IN SELECT inhrelid::regclass FROM pg_inherits"
        " WHERE inhparent = 'audit_event'::regclass LOOP EXECUTE 'DROP TABLE ' || p; END LOOP; END $$"
    )
    for trigger in ("stamp", "no_change", "no_truncate"):
        op.execute(f"DROP TRIGGER {trigger} ON audit_event")
    op.execute(
        "DROP FUNCTION steward_scope(text), keep_an_administrator(),"
        " note_administrators(), full_administrators(), administrators(), refuse_own_grant(),"
        " keep_tree_alive(), refuse_location_cycle(), audit_add_months(integer), must_audit(),"
        " audit_deny(), audit_stamp()"
    )
