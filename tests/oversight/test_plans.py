"""The log is searched by its indexes, however long it is: what PostgreSQL does for each way in, on months of rows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import event

from tests import factories
from tests.oversight.own import _own_app, app, owner, settings  # noqa: F401
from webapp.core.db import db
from webapp.organisation.models import Client

SignIn = Callable[..., Any]
Owner = psycopg.Connection[dict[str, Any]]
MOST_READ = 1500  # of 20,000
MOST_BLOCKS = 3000  # of some 15,000 with the indexes
MONTHS = """
DO $$ BEGIN
  FOR i IN 1 .. 9 LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF audit_event FOR VALUES FROM (%L) TO (%L)',
      'audit_event_past_' || i,
      date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => i) || '+00',
      date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => i - 1) || '+00');
  END LOOP;
END $$;
ALTER TABLE audit_event DISABLE TRIGGER stamp;
"""
# A request writes five rows; one in twenty belongs to what brings history, one in a hundred is refused.
ROWS = """
INSERT INTO audit_event (recorded_at, occurred_at, request_id, actor_id, actor_name, via, ip, action, category, outcome,
                         object_type, object_id, object_label, client_id, changes)
SELECT at, CASE WHEN n %% 20 = 0 THEN at - interval '90 days' ELSE at END, 'req-' || n / 5,
       CASE WHEN n %% 50 = 0 THEN NULL ELSE 100 + (n * 7) %% 60 END,
       CASE WHEN n %% 50 = 0 THEN 'system:' || n %% 7 ELSE 'Person ' || (n * 7) %% 60 END,
       'session:' || n / 40, ('10.' || n %% 50 || '.' || n / 50 %% 200 || '.7')::inet,
       (ARRAY['ticket.updated', 'ticket.replied', 'asset.updated', 'asset.created', 'user.updated', 'role.updated',
              'session.opened', 'audit.read', 'client.updated', 'team.updated'])[1 + n %% 10],
       CASE WHEN n %% 20 = 0 THEN 'import' WHEN n %% 10 = 7 THEN 'read' WHEN n %% 10 = 6 THEN 'sign-in'
            ELSE 'change' END,
       CASE WHEN n %% 100 = 3 THEN 'denied' ELSE 'ok' END,
       (ARRAY['ticket', 'asset', 'user', 'role', 'client'])[1 + n %% 5], n %% 3000, 'Thing T-' || n %% 3000,
       CASE WHEN n %% 10 > 1 THEN (%(clients)s::bigint[])[1 + n %% 40] END,
       jsonb_build_object('status', jsonb_build_array('s' || n %% 90, 's' || (n + 1) %% 90))
  FROM (SELECT n, now() - n / 5 * interval '1 hour' AS at FROM generate_series(0, 19999) AS n) AS rows
"""
# What is asked, and the column that the index begins with.
WORDS = "hits"
WAYS = [
    ("", "recorded_at"),
    ("period=today", "recorded_at"),
    ("sort=recorded_at", "recorded_at"),
    ("sort=-occurred_at", "occurred_at"),
    ("sort=-occurred_at&period=30", "occurred_at"),
    ("actor=107", "actor_id"),
    ("actor=107&actor=114&actor=121", "actor_id"),
    ("actor=107&action=role.updated", "actor_id"),
    ("actor=system:3", "actor_name"),
    ("actor=system:", "actor_name"),
    ("actor=job:3", "via"),
    ("via=session:30", "via"),
    ("action=team.updated", "action"),
    ("action=team.updated&action=role.updated", "action"),
    ("category=import", "category"),
    ("category=import&category=read", "category"),
    ("outcome=not-ok", "recorded_at_id_idx"),
    ("object_type=role", "object_type"),
    ("object_type=ticket&object_id=2500", "object_type_object_id"),
    ("ip=10.3.44.7", "ip"),
    ("ip=10.3.44.0/24", "ip"),
    ("request=req-2000", "request_id"),
    ("q=T-2500", WORDS),
    ("record=T-2500&object_type=ticket", WORDS),
    ("field=status&was=s7&became=s8", WORDS),
]


def _scans(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a plan that read the log."""
    here = [node] if "Scan" in node["Node Type"] and "audit_" in str(node) else []
    below = [scan for part in node.get("Plans", ()) for scan in _scans(part)]
    return [one for one in here if not one.get("Plans")] + below


def _read(scans: list[dict[str, Any]]) -> float:
    """How many rows were looked at."""
    return sum(
        (one["Actual Rows"] + one.get("Rows Removed by Filter", 0)) * one["Actual Loops"]
        for one in scans
        if one["Node Type"] != "Bitmap Index Scan"
    )


@contextmanager
def _noted(app: Any) -> Iterator[list[tuple[str, Any]]]:
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        # Nothing is there yet, so each page looks whether the other clock would find something.
        if "FROM audit_event" in statement and not statement.startswith("SELECT count(*) AS count"):
            seen.append((statement, values))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


Statements = dict[str, list[tuple[str, Any]]]


def _ask(app: Any, reader: Any, queries: list[str]) -> Statements:
    """What the page asks of the log, for each query."""
    asked = {}
    for query in queries:
        with _noted(app) as seen:
            assert reader.get(f"/audit?{query}").status_code == 200
        asked[query] = seen
    return asked


def _plans(owner: Owner, asked: Statements, reader: Any, role: str) -> dict[str, list[Any]]:
    """How PostgreSQL answers it: the scans that ran, for each query."""
    nodes: dict[str, list[Any]] = {query: [] for query in asked}
    with owner.transaction(force_rollback=True):
        owner.execute(f"SET LOCAL ROLE {role}")
        setting = (
            "SELECT set_config('app.user_id', %s, true), set_config('app.page', 'audit', true)"
        )
        owner.execute(setting, [str(reader.user.id)])
        known: dict[str, list[Any]] = {}  # pages share statements
        for query, statements in asked.items():
            for statement, values in statements:
                same = f"{statement} {values}"
                if same not in known:
                    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
                    row = owner.execute(explain, values).fetchone()
                    assert row
                    known[same] = _scans(row["QUERY PLAN"][0]["Plan"])
                nodes[query] += known[same]
    return {query: [one for one in found if one["Actual Loops"]] for query, found in nodes.items()}


@contextmanager
def _months(owner: Owner, clients: list[int]) -> Iterator[None]:
    """Nine months of a busy office, in a transaction that is undone."""
    with owner.transaction(force_rollback=True):
        owner.execute("SET LOCAL jit = off")
        owner.execute(MONTHS)
        owner.execute(ROWS, {"clients": clients})
        owner.execute("ANALYZE audit_event")
        yield


def _clients() -> tuple[int, int, list[int]]:
    """Two places, one with three clients and one with eighty; the clients that the log is about."""
    near, far = factories.make_location("Near"), factories.make_location("Far")
    with factories.work():
        made = [
            Client(name=f"C{n}", code=f"PL{n}", location_id=(near if n < 3 else far).id)
            for n in range(83)
        ]
        db.session.add_all(made)
        db.session.flush()
        return near.id, far.id, [client.id for client in made]


def test_each_way_in_has_its_index(app: Any, sign_in: SignIn, owner: Owner) -> None:
    near, far, clients = _clients()
    listed = [*WAYS, *((f"{query}&group=1", index) for query, index in WAYS)]
    past = _month_before_last(owner)
    days = [f"{past}{also}" for also in ("", "&actor=107", "&q=T-2500", "&group=1")]
    lately = "sort=-occurred_at&period=today"
    scoped = ["", "group=1", "action=asset.updated", "sort=-occurred_at", "q=T-2502"]
    all_of_it, some, many = (
        sign_in("*"),
        sign_in("audit", "tickets", location_id=near),
        sign_in("audit", "tickets", location_id=far),
    )
    asked = _ask(app, all_of_it, [*(query for query, _index in listed), *days, lately])
    by_some, by_many = _ask(app, some, scoped), _ask(app, many, scoped)
    with _months(owner, clients[:40]):
        found = _plans(owner, asked, all_of_it, "steward_all")
        few = _plans(owner, by_some, some, "steward_app")
        most = _plans(owner, by_many, many, "steward_app")
    wrong = [_problem(query, index, found[query]) for query, index in listed]
    assert not any(wrong), "\n".join(filter(None, wrong))
    # Months that are not asked for are not opened.
    for query in days:
        assert _opened(found[query]) == {"audit_event_past_2"}, query
    assert not any("past" in name for name in _opened(found[lately]))
    # Who reads of some clients reads little else.
    read = {
        f"{who} {q}": _read(of[q]) for who, of in (("few", few), ("many", most)) for q in scoped
    }
    assert {name: n for name, n in read.items() if n > 2 * MOST_READ} == {}


def _month_before_last(owner: Owner) -> str:
    row = owner.execute(
        "SELECT to_char(now() AT TIME ZONE 'UTC' - interval '2 months', 'YYYY-MM') AS at"
    )
    month = (row.fetchone() or {})["at"]
    return f"since={month}-10T00:00&until={month}-20T00:00"


def _opened(scans: list[Any]) -> set[str]:
    return {one["Relation Name"] for one in scans if "Relation Name" in one}


def _problem(query: str, index: str, scans: list[Any]) -> str:
    """What is wrong with a plan, nothing if it goes in by the right index and reads little."""
    names = {one.get("Index Name", one["Node Type"]) for one in scans}
    names |= {name.replace("pkey", "recorded_at_id") for name in names}  # which the key is
    if index == WORDS:  # found by the index of words; the rows then by their key
        index = "recorded_at_id"
        looked = sum(one["Shared Hit Blocks"] + one["Shared Read Blocks"] for one in scans)
        if looked > MOST_BLOCKS or not any(one["Node Type"] == "Function Scan" for one in scans):
            return f"{query}: {looked} blocks; {sorted(names)[:5]}"
    walked = sum(_read([one]) for one in scans if one["Node Type"] == "Seq Scan")
    if walked or _read(scans) > MOST_READ or not any(index in name for name in names):
        return f"{query}: {_read(scans)} rows read, {walked} without an index; {sorted(names)[:5]}"
    return ""
