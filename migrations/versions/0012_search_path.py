"""Functions look for names among ours first: a temporary table of the same name is nobody's way to the owner's rights.

What is found by words is of clients in sight, whatever the caller names.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Unless it is named, the schema of temporary tables comes first.
PATH = "pg_catalog, public, pg_temp"
# What the queue brings is not ours, but for what would run with the owner's rights.
EACH = """
DO $do$
DECLARE f record;
BEGIN
  FOR f IN
    SELECT oid::regprocedure AS name, prosecdef OR prorettype <> 'trigger'::regtype
             OR proname = 'tell_ticket_changes' AS had_one FROM pg_proc p
     WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
       AND (prosecdef OR proname NOT LIKE 'procrastinate%'
            AND (prorettype = 'trigger'::regtype OR array_to_string(proconfig, ',') LIKE '%search_path=%'))
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.deptype = 'e')
  LOOP
    EXECUTE format('ALTER FUNCTION %s ' || {how}, f.name);
  END LOOP;
END $do$
"""

# As before, but no further than the policy of the log lets the caller see: here it is the owner who reads.
HITS = r"""
CREATE OR REPLACE FUNCTION audit_hits(
  words tsquery, clients bigint[], since timestamptz, until timestamptz, latest boolean, most integer)
RETURNS TABLE (at timestamptz, event_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 200 SET search_path = {path}
SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
SET max_parallel_workers_per_gather = 0 SET jit = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  way text := CASE WHEN latest THEN 'DESC' ELSE 'ASC' END;
  left_over integer := most; found integer; month record;{variable} times timestamptz[]; ids bigint[];
BEGIN{held_back}
  IF clients IS NULL THEN
    PERFORM set_config('enable_indexscan', 'on', true);
    EXECUTE format('SELECT array_agg(recorded_at), array_agg(id) FROM (SELECT recorded_at, id FROM (
        SELECT recorded_at, id, search FROM audit_event WHERE recorded_at >= $2 AND recorded_at <= $3
         ORDER BY recorded_at %1$s, id %1$s LIMIT 1000) AS near WHERE search @@ $1 LIMIT $4) AS hits', way)
      INTO times, ids USING words, since, until, most;
    IF cardinality(ids) >= most THEN
      RETURN QUERY SELECT * FROM unnest(times, ids);
      RETURN;
    END IF;
    PERFORM set_config('enable_indexscan', 'off', true);
  END IF;
  FOR month IN EXECUTE format($months$
    SELECT c.oid::regclass AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid,
      LATERAL (SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid),
                                   'FROM \(''(.*?)''\) TO \(''(.*?)''\)') AS ends) AS b
     WHERE i.inhparent = 'audit_event'::regclass AND ends[1]::timestamptz <= $2 AND ends[2]::timestamptz > $1
     ORDER BY ends[1]::timestamptz %s $months$, way) USING since, until
  LOOP
    RETURN QUERY EXECUTE format('SELECT recorded_at, id FROM %1$s
        WHERE search @@ $1 AND ($2 IS NULL OR client_id = ANY ($2)) AND recorded_at >= $3 AND recorded_at <= $4
        ORDER BY recorded_at %2$s, id %2$s LIMIT $5', month.name, way) USING words, clients, since, until, left_over;
    GET DIAGNOSTICS found = ROW_COUNT;
    left_over := left_over - found;
    EXIT WHEN left_over <= 0;
  END LOOP;
END $$;
"""
VARIABLE = " mine bigint[];"
HELD_BACK = """
  IF current_setting('role') <> 'steward_all' THEN
    mine := steward_scope('client') || steward_scope('client of project');
    clients := CASE WHEN clients IS NULL THEN mine
                    ELSE ARRAY(SELECT unnest(clients) INTERSECT SELECT unnest(mine)) END;
  END IF;"""


def upgrade() -> None:
    """Name the path in each function."""
    op.execute(HITS.format(path=PATH, variable=VARIABLE, held_back=HELD_BACK))
    op.execute(EACH.format(how=f"'SET search_path = {PATH}'"))


def downgrade() -> None:
    """Leave it as it was."""
    op.execute(
        EACH.format(
            how="CASE WHEN f.had_one THEN 'SET search_path = public' ELSE 'RESET search_path' END"
        )
    )
    op.execute(HITS.format(path="public", variable="", held_back=""))
