"""Very many rows of the log for measuring: two years of work by thousands of people, told by the database itself.

What is made depends on the number of the request alone, so every run makes the same. A month that has no partition
yet is filled before it becomes one: its indexes are built at once then. In the current one the stamp stands still.
"""

from datetime import UTC, datetime

import click
from sqlalchemy import Connection, Engine, text

EVENTS = 2_000_000
MONTHS = 24  # the current one is the last
# Of a thousand requests one writes 500 rows, ten write 60, and so on (see below): that many together.
ROWS_OF_1000 = 3439
# Each request has a transaction of its own, as in life. The block takes their numbers, and leaves nothing else.
_TAKE_IDS = """
DO $$ BEGIN
  FOR i IN 1..{count} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP;
END $$
"""
_THINGS = """
CREATE TEMP TABLE bench_things (kind text, k int, id bigint, label text, client_id bigint, PRIMARY KEY (kind, k))
 ON COMMIT DROP;
INSERT INTO bench_things SELECT 'user', row_number() OVER (ORDER BY id) - 1, id, name FROM users
 WHERE email LIKE 'bench%@example.org';
INSERT INTO bench_things SELECT 'client', row_number() OVER (ORDER BY id) - 1, id, name, id FROM clients
 WHERE code LIKE 'BENCH-%';
INSERT INTO bench_things SELECT 'project', row_number() OVER (ORDER BY id) - 1, id, name, client_id FROM projects
 WHERE name LIKE 'Bench Project %';
INSERT INTO bench_things SELECT 'asset', row_number() OVER (ORDER BY id) - 1, id, tag || ' ' || name, client_id
 FROM assets WHERE tag LIKE 'B-%';
INSERT INTO bench_things SELECT 'ticket', row_number() OVER (ORDER BY id) - 1, id,
 left('#' || number || ' ' || subject, 300), client_id FROM tickets WHERE external_ref LIKE 'BENCH-%';
INSERT INTO bench_things SELECT 'role', row_number() OVER (ORDER BY id) - 1, id, name FROM roles;
INSERT INTO bench_things SELECT 'team', row_number() OVER (ORDER BY id) - 1, id, name FROM teams;
CREATE TEMP TABLE bench_counts ON COMMIT DROP AS SELECT kind, count(*)::int AS many FROM bench_things GROUP BY kind;
ANALYZE bench_things, bench_counts
"""
# Five ways to write what is worked on, by what a request is about; a large request changes tickets or assets.
_ROWS = """
INSERT INTO audit_event_of_month (id, recorded_at, occurred_at, xid, request_id, actor_id, actor_name, via, ip,
  user_agent, method, path, page, action, category, outcome, object_type, object_id, object_label, client_id, changes,
  reason) OVERRIDING SYSTEM VALUE
WITH dice AS (SELECT r, CASE WHEN r % 1000 = 500 THEN 500 WHEN r % 100 = 1 THEN 60 WHEN r % 20 = 2 THEN 12
    WHEN r % 5 = 3 THEN 4 WHEN r % 5 = 4 THEN 2 ELSE 1 END AS size,
    ('x' || substr(m, 1, 7))::bit(28)::int AS r1,
    ('x' || substr(m, 8, 7))::bit(28)::int AS r2, ('x' || substr(m, 15, 7))::bit(28)::int AS r3,
    ('x' || substr(m, 22, 7))::bit(28)::int AS r4
  FROM (SELECT r, md5('request ' || r) AS m FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS r)
  AS numbers),
requests AS (SELECT *, CAST(:begin AS timestamptz) + make_interval(secs => (r + 0.5) * :step) AS at,
    CASE WHEN size > 12 THEN CASE WHEN r2 % 4 = 0 THEN 'import' WHEN r2 % 4 = 1 THEN 'assets' ELSE 'tickets' END
      WHEN r2 % 100 < 42 THEN 'tickets' WHEN r2 % 100 < 58 THEN 'assets' WHEN r2 % 100 < 68 THEN 'sign-in'
      WHEN r2 % 100 < 82 THEN 'reading' WHEN r2 % 100 < 85 THEN 'refusal' WHEN r2 % 100 < 88 THEN 'rights'
      WHEN r2 % 100 < 91 THEN 'people' WHEN r2 % 100 < 95 THEN 'places' ELSE 'job' END AS what,
    (5000 * power(r1 / 268435456.0, 2))::int % 5000 AS worker FROM dice),
lines AS (SELECT q.*, n, (r3::bigint + n * 7919) % 268435456 AS v, CASE what WHEN 'tickets' THEN 'ticket'
      WHEN 'job' THEN 'ticket' WHEN 'assets' THEN 'asset' WHEN 'import' THEN 'asset' WHEN 'refusal' THEN ''
      WHEN 'places' THEN CASE WHEN r3 % 3 = 0 THEN 'client' ELSE 'project' END ELSE 'user' END AS kind
  FROM requests q, generate_series(0, size - 1) AS n),
-- The rows of a small request are about one thing, those of a large one about as many as there are rows.
placed AS (SELECT l.*, t.id AS thing, t.label, t.client_id AS client, w.id AS actor, w.label AS name,
    CASE WHEN what = 'job' THEN 'job:' || r WHEN what = 'import' THEN 'job:' || r
      WHEN r4 % 50 = 0 THEN 'token:' || worker % 40 ELSE 'session:' || worker * 400 + r / 20000 END AS via,
    CASE what WHEN 'rights' THEN o.id END AS role_id, o.label AS role, o.many AS roles
  FROM lines l LEFT JOIN bench_counts c ON c.kind = l.kind
  LEFT JOIN bench_things t ON t.kind = l.kind
   AND t.k = (r4::bigint + CASE WHEN size > 12 THEN n * 2001 ELSE 0 END) % c.many
  JOIN bench_things w ON w.kind = 'user' AND w.k = worker
  JOIN (SELECT k, id, label, many FROM bench_things JOIN bench_counts USING (kind) WHERE kind = 'role') AS o
    ON o.k = l.r4 % o.many)
SELECT nextval(pg_get_serial_sequence('audit_event', 'id')), at,
  CASE WHEN what = 'import' THEN at - make_interval(hours => 24 + (v % 4000)::int) ELSE at END,
  (CAST(:xid AS bigint) + r)::text::xid8, CASE WHEN what <> 'job' THEN 'bench-' || r END,
  CASE WHEN what <> 'job' THEN actor END, CASE WHEN what <> 'job' THEN name
    ELSE (ARRAY['system:levels', 'system:mail', 'system:desk'])[1 + r3 % 3] END,
  via, CASE WHEN what NOT IN ('job', 'import') THEN CASE WHEN worker % 9 = 0
    THEN ('2001:db8::' || to_hex(worker) || ':' || to_hex(1 + r4 % 3))::inet
    ELSE ('10.' || worker % 40 || '.' || worker / 40 || '.' || 1 + r4 % 3)::inet END END,
  CASE WHEN what NOT IN ('job', 'import') THEN (ARRAY[
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
    'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148'])[1 + worker % 3] END,
  CASE WHEN what IN ('job', 'import') THEN NULL WHEN what IN ('reading', 'refusal') THEN 'GET' ELSE 'POST' END,
  CASE WHEN what NOT IN ('job', 'import') THEN CASE what WHEN 'sign-in' THEN '/login' WHEN 'refusal' THEN '/roles'
    ELSE '/' || what || '/' || thing END END,
  CASE what WHEN 'tickets' THEN 'tickets' WHEN 'assets' THEN 'assets' WHEN 'reading' THEN 'users' END,
  CASE what WHEN 'job' THEN 'ticket.updated' WHEN 'import' THEN 'asset.updated' WHEN 'assets' THEN 'asset.updated'
    WHEN 'tickets' THEN CASE WHEN size = 1 AND v % 9 = 0 THEN 'ticket.closed' WHEN size < 12 AND n = 1
      THEN 'ticket.assigned' ELSE 'ticket.updated' END
    WHEN 'sign-in' THEN CASE WHEN v % 12 = 0 THEN 'session.refused' ELSE 'session.opened' END
    WHEN 'reading' THEN CASE WHEN v % 40 = 0 THEN 'user.exported' ELSE 'user.viewed' END
    WHEN 'refusal' THEN CASE WHEN v % 10 = 0 THEN 'request.failed' ELSE 'access.denied' END
    WHEN 'rights' THEN CASE WHEN v % 3 = 0 THEN 'role.revoked' ELSE 'role.assigned' END
    WHEN 'people' THEN 'user.updated' ELSE kind || '.updated' END,
  CASE what WHEN 'import' THEN 'import' WHEN 'sign-in' THEN 'sign-in' WHEN 'job' THEN 'system'
    WHEN 'reading' THEN CASE WHEN v % 40 = 0 THEN 'export' ELSE 'read' END WHEN 'refusal' THEN 'access'
    WHEN 'rights' THEN 'access' ELSE 'change' END,
  CASE WHEN what = 'refusal' THEN CASE WHEN v % 10 = 0 THEN 'failed' ELSE 'denied' END
    WHEN what = 'sign-in' AND v % 12 = 0 THEN 'denied' ELSE 'ok' END,
  nullif(kind, ''), thing, label, client,
  CASE WHEN what IN ('tickets', 'job') THEN CASE v % 8
      WHEN 0 THEN jsonb_build_object('priority', jsonb_build_array(
        (ARRAY['normal', 'low', 'high', 'normal'])[1 + v / 8 % 4],
        CASE WHEN v % 8000 = 0 THEN 'urgent' ELSE (ARRAY['high', 'normal', 'urgent', 'low'])[1 + v / 8 % 4] END))
      WHEN 1 THEN jsonb_build_object('assignee_id', jsonb_build_array(nullif(v / 8 % 5000, 0), 1 + v / 16 % 5000))
      WHEN 2 THEN jsonb_build_object('team_id', jsonb_build_array(1 + v / 8 % 12, 1 + (v / 8 + v / 128 % 11 + 1) % 12))
      WHEN 3 THEN jsonb_build_object('subject', jsonb_build_array(label, label || ' (reference ' || r || ')'))
      WHEN 4 THEN jsonb_build_object('tags', jsonb_build_array('[]'::jsonb,
        jsonb_build_array('site-' || v / 8 % 40, 'vip')))
      WHEN 5 THEN jsonb_build_object('status', jsonb_build_array('open', 'resolved'), 'resolution',
        jsonb_build_array('', 'Replaced part ' || v || ', it works again.'), 'resolved_at', jsonb_build_array(NULL, at))
      ELSE jsonb_build_object('status', jsonb_build_array((ARRAY['new', 'open', 'open', 'pending'])[1 + v / 8 % 4],
        (ARRAY['open', 'closed', 'pending', 'open'])[1 + v / 8 % 4])) END
    WHEN kind = 'asset' THEN CASE v % 5
      WHEN 0 THEN jsonb_build_object('status', jsonb_build_array(
        (ARRAY['in_stock', 'in_use', 'in_repair', 'in_use'])[1 + v / 8 % 4],
        (ARRAY['in_use', 'in_repair', 'in_stock', 'retired'])[1 + v / 8 % 4]))
      WHEN 1 THEN jsonb_build_object('serial', jsonb_build_array(NULL, 'SN' || upper(substr(md5(v::text), 1, 9))))
      WHEN 2 THEN jsonb_build_object('project_id', jsonb_build_array(NULL, 1 + v % 20000), 'notes',
        jsonb_build_array('', 'Moved with delivery ' || r))
      WHEN 3 THEN jsonb_build_object('warranty_until', jsonb_build_array(NULL, date '2027-01-01' + (v % 900)::int))
      ELSE jsonb_build_object('attributes', jsonb_build_array('{}'::jsonb, jsonb_build_object('hostname',
        'host-' || v, 'memory', 8 * (1 + v % 8)))) END
    WHEN what = 'rights' THEN jsonb_build_object('role', CASE WHEN v % 3 = 0 THEN jsonb_build_array(role, NULL)
        ELSE jsonb_build_array(NULL, role) END, 'role_id', CASE WHEN v % 3 = 0 THEN jsonb_build_array(role_id, NULL)
        ELSE jsonb_build_array(NULL, role_id) END)
    WHEN what = 'people' THEN jsonb_build_object('timezone', jsonb_build_array('UTC', 'Europe/Madrid'))
    WHEN what = 'places' THEN jsonb_build_object('name', jsonb_build_array('Old name ' || r, label))
    WHEN what = 'refusal' THEN jsonb_build_object('missing', 'roles')
    WHEN what = 'reading' AND v % 40 = 0 THEN jsonb_build_object('rows', 60) ELSE '{}' END,
  CASE WHEN r3 % 25 = 0 AND what NOT IN ('sign-in', 'reading', 'refusal') THEN 'Agreed in meeting ' || r % 5000 END
FROM placed ORDER BY r, n
"""
# What the tickets themselves went through in these months.
_TOLD = """
INSERT INTO audit_event_of_month (id, recorded_at, occurred_at, xid, request_id, actor_id, actor_name, action, category,
  object_type, object_id, object_label, client_id, changes) OVERRIDING SYSTEM VALUE
SELECT nextval(pg_get_serial_sequence('audit_event', 'id')), s.at, s.at, (CAST(:xid AS bigint) + :last)::text::xid8,
  'bench-ticket-' || t.number, p.id, coalesce(p.name, 'system:seed'), s.action, 'change', 'ticket', t.id,
  left('#' || t.number || ' ' || t.subject, 300), t.client_id, s.changes
  FROM tickets t LEFT JOIN users p ON p.id = t.assignee_id JOIN LATERAL (VALUES
    (t.opened_at, 'ticket.opened', jsonb_build_object('subject', jsonb_build_array(NULL, t.subject), 'status',
      jsonb_build_array(NULL, 'new'))),
    (t.updated_at, 'ticket.updated', jsonb_build_object('status', jsonb_build_array('new', t.status)))
  ) AS s (at, action, changes) ON s.action = 'ticket.opened' OR t.status <> 'new'
 WHERE t.external_ref LIKE 'BENCH-%' AND s.at >= :month AND s.at < :after ORDER BY s.at
"""


def fill(engine: Engine, rows: int = EVENTS) -> None:
    """Add ``rows`` or a few more, spread evenly over the months, as the owner."""
    requests = -(-rows * 1000 // ROWS_OF_1000)
    now = datetime.now(UTC)
    months = _months(now)
    step = (now - months[0]).total_seconds() / requests
    values = {"begin": months[0], "step": step}
    with engine.begin() as connection:
        # Nothing is sealed beyond the oldest transaction that is still open: the numbers taken next stay free.
        connection.execute(text("SELECT pg_current_xact_id()"))
        values["xid"] = _take_ids(engine, requests)
        for statement in _THINGS.split(";\n"):
            connection.execute(text(statement))
        first = 0
        with click.progressbar(months, label="Log") as bar:
            for month in bar:
                last = requests - 1
                if (after := _next(month)) <= now:
                    last = int((after - months[0]).total_seconds() / step - 0.5)
                _fill_month(connection, month, values | {"first": first, "last": last})
                first = last + 1


def _months(now: datetime) -> list[datetime]:
    last = now.year * 12 + now.month - 1
    return [
        datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
        for number in range(last - MONTHS + 1, last + 1)
    ]


def _next(month: datetime) -> datetime:
    return datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)


def _take_ids(engine: Engine, count: int) -> int:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        first = connection.scalar(text("SELECT pg_current_xact_id()::text"))
        connection.exec_driver_sql(_TAKE_IDS.format(count=count))
    return int(first or 0) + 1


def _fill_month(connection: Connection, month: datetime, values: dict[str, object]) -> None:
    """Add the requests of a month to its partition; make that if it is not there."""
    connection.execute(text("SET LOCAL work_mem = '64MB'"))
    connection.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
    table = f"audit_event_{month:%Y_%m}"
    there = connection.scalar(text("SELECT to_regclass(:table) IS NOT NULL"), {"table": table})
    if there:
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER stamp"))
    else:
        connection.execute(
            text(
                f"CREATE TABLE {table} (LIKE audit_event"
                " INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED)"
            )
        )
    values = values | {"month": month, "after": _next(month)}
    for statement in (_ROWS, _TOLD):
        connection.execute(text(statement.replace("audit_event_of_month", table)), values)
    if not there:
        connection.execute(
            text(
                f"ALTER TABLE audit_event ATTACH PARTITION {table}"
                f" FOR VALUES FROM ('{month}') TO ('{_next(month)}')"
            )
        )
        connection.execute(
            text(
                f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION audit_deny()"
            )
        )
    for trigger in ("stamp", "no_change", "no_truncate"):
        connection.execute(text(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}"))
