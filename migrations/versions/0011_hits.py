"""Words of the log are found by their index, whoever reads and whatever the planner thinks of beginnings of words."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# The latest rows (or the earliest) with these words, month by month: only where they are, as a policy would hide the
# index of words, and beginnings of words are always thought to be frequent. The rows themselves come from the table
# under its policies; here only the cut has to know the clients (null: all).
HITS = """
CREATE FUNCTION audit_hits(
  words tsquery, clients bigint[], since timestamptz, until timestamptz, latest boolean, most integer)
RETURNS TABLE (at timestamptz, event_id bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 200 SET search_path = public
SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  IF latest THEN
    RETURN QUERY SELECT e.recorded_at, e.id FROM audit_event e
      WHERE e.search @@ words AND (clients IS NULL OR e.client_id = ANY (clients))
        AND e.recorded_at >= since AND e.recorded_at <= until
      ORDER BY e.recorded_at DESC, e.id DESC LIMIT most;
  ELSE
    RETURN QUERY SELECT e.recorded_at, e.id FROM audit_event e
      WHERE e.search @@ words AND (clients IS NULL OR e.client_id = ANY (clients))
        AND e.recorded_at >= since AND e.recorded_at <= until
      ORDER BY e.recorded_at, e.id LIMIT most;
  END IF;
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
