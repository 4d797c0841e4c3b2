"""Words of the log are found by their index, whoever reads and whatever the planner thinks of beginnings of words."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# The latest rows (or the earliest) with these words. A word that is in every tenth row is near; others are looked up
# month by month, and no further than it takes. Only where they are: the rows themselves come from the table under its
# policies, which would hide the index of words; here the cut has to know the clients (null: all).
HITS = r"""
CREATE FUNCTION audit_hits(
  words tsquery, clients bigint[], since timestamptz, until timestamptz, latest boolean, most integer)
RETURNS TABLE (at timestamptz, event_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 200 SET search_path = public
SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
SET max_parallel_workers_per_gather = 0 SET jit = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  way text := CASE WHEN latest THEN 'DESC' ELSE 'ASC' END;
  left_over integer := most; found integer; month record; times timestamptz[]; ids bigint[];
BEGIN
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
REVOKE ALL ON FUNCTION audit_hits(tsquery, bigint[], timestamptz, timestamptz, boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_hits(tsquery, bigint[], timestamptz, timestamptz, boolean, integer)
  TO steward_app, steward_all;
"""


def upgrade() -> None:
    """Add the function."""
    op.execute(HITS)


def downgrade() -> None:
    """Take it away."""
    op.execute(
        "DROP FUNCTION audit_hits(tsquery, bigint[], timestamptz, timestamptz, boolean, integer)"
    )
