"""Whether the guards of the log stand as the migrations made them: its policies, its triggers, and who reads what.

``made`` compares what their functions do, and those of all other tables.

The catalog alone is read. A row that a policy hides from readers is not missing for the sealer, so no seal tells of it.
"""

from collections.abc import Iterator

from sqlalchemy import Table

from webapp.audit import made
from webapp.audit.leaves import Connection
from webapp.audit.made import Place, bare
from webapp.core.db import Audited, Model

LOG = "audit_event"
_IN_SCOPE = (
    "client_id IS NULL OR client_id = ANY (SELECT steward_scope('client') AS steward_scope)"
    " OR client_id = ANY (SELECT steward_scope('client of project') AS steward_scope)"
)
# name: (role, command, permissive, what it shows, what it lets in); migrations 0006 and 0009
_POLICIES = {
    "owner_all": ("owner", "*", True, "true", ""),
    "all_clients": ("steward_all", "*", True, "true", ""),
    "written": ("steward_app", "a", True, "", "true"),
    "in_scope": ("steward_app", "r", True, _IN_SCOPE, ""),
    "sealed": ("steward_sealer", "r", True, "true", ""),
}
_DENY = {"no_change": ("A", 27, "audit_deny"), "no_truncate": ("A", 34, "audit_deny")}
_STAMP = {"stamp": ("A", 7, "audit_stamp")}
# table: {trigger: (how it is enabled, its type, its function)}; partitions have those of the log itself
_TRIGGERS = {
    LOG: _DENY | _STAMP,
    "audit_seal": _DENY | {"follows": ("O", 7, "audit_seal_follows")},
    **dict.fromkeys(("audit_leaf", "audit_checkpoint", "audit_check"), _DENY),
    "audit_check_acknowledgement": _DENY | {"acknowledge": ("O", 7, "audit_acknowledge")},
}
_MUST_AUDIT = (29, "must_audit")
_LATE = {"user_sessions", "audit_check_acknowledgement"}  # guarded, though written by hand

_SELECT_POLICIES = """
SELECT p.polname, CASE WHEN p.polroles = ARRAY[c.relowner] AND r.names[1] NOT LIKE 'steward\\_%%' THEN 'owner'
    ELSE coalesce(array_to_string(r.names, ','), 'public') END, p.polcmd::text, p.polpermissive,
  coalesce(pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid,
  LATERAL (SELECT array_agg(rolname::text ORDER BY rolname) AS names FROM pg_roles WHERE oid = ANY (p.polroles)) r
 WHERE p.polrelid = 'public.audit_event'::regclass ORDER BY p.polname
"""
_SELECT_TRIGGERS = """
SELECT c.relname, t.tgname, t.tgenabled::text, t.tgtype,
  CASE f.pronamespace WHEN 'public'::regnamespace THEN f.proname ELSE '' END, t.tgqual IS NULL
  FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal JOIN pg_proc f ON f.oid = t.tgfoid
 WHERE c.relnamespace = 'public'::regnamespace AND (c.relname = ANY (%s) OR t.tgname = 'must_audit')
"""
_SELECT_TABLES = """
SELECT c.relname, c.relkind::text, c.relrowsecurity AND c.relforcerowsecurity,
  EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid)
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY (%s)
"""
_SELECT_PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'public.audit_event'::regclass ORDER BY c.relname
"""
# For its own roles any; for everybody only those that change what a name, a row or a right is.
_SELECT_SETTINGS = """
SELECT coalesce(r.rolname, 'everybody'), each
  FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) AS each
 WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
   AND (r.rolname IN ('steward_app', 'steward_all', 'steward_sealer') OR s.setrole = 0 AND split_part(each, '=', 1) IN (
     'search_path', 'role', 'session_authorization', 'row_security', 'session_replication_role',
     'session_preload_libraries', 'local_preload_libraries'))
 ORDER BY 1, 2
"""


def faults(connection: Connection) -> Iterator[str]:
    """Say of each guard what is wrong with it."""
    partitions = [name for (name,) in connection.execute(_SELECT_PARTITIONS).fetchall()]
    yield from _tables(connection, partitions)
    named: set[Place] = set()
    for place, words in (
        *_policies(connection),
        *_triggers(connection, partitions),
        *made.faults(connection),
    ):
        if place not in named:
            yield words
        named.add(place)
    for role, setting in connection.execute(_SELECT_SETTINGS).fetchall():
        yield f"The database sets {setting} for {role}, which may change what they read of the log."


def _tables(connection: Connection, partitions: list[str]) -> Iterator[str]:
    names = [*_TRIGGERS, *partitions]
    found = connection.execute(_SELECT_TABLES, [names]).fetchall()
    for name in sorted(set(_TRIGGERS) - {row[0] for row in found}):
        yield f"The table {name} is missing."
    for name, kind, secured, ruled in found:
        if kind != ("p" if name == LOG else "r"):
            yield f"{name} is not the table that it was, but something else in its place."
        elif ruled:
            yield f"A rule changes what is done with {name}."
        if name == LOG and not secured:
            yield f"Row level security of {LOG} is off."
        elif name in partitions and secured:
            yield f"Row level security of the month {name} is on: it hides rows."


def _policies(connection: Connection) -> Iterator[tuple[Place, str]]:
    expected = {name: (*rest, bare(a), bare(b)) for name, (*rest, a, b) in _POLICIES.items()}
    for name, *rest, shows, lets_in in connection.execute(_SELECT_POLICIES).fetchall():
        said = expected.pop(name, None)
        if said is None:
            words = f"The policy {name} of {LOG} is not one of Steward's: it may hide rows."
            yield ("policy", f"{LOG}.{name}"), words
        elif said != (*rest, bare(shows), bare(lets_in)):
            words = f"The policy {name} of {LOG} is not what it was: it may hide rows."
            yield ("policy", f"{LOG}.{name}"), words
    for name in expected:
        yield ("policy", f"{LOG}.{name}"), f"The policy {name} of {LOG} is missing."


def _triggers(connection: Connection, partitions: list[str]) -> Iterator[tuple[Place, str]]:
    guards = _TRIGGERS | dict.fromkeys(partitions, _TRIGGERS[LOG])
    rows = connection.execute(_SELECT_TRIGGERS, [list(guards)]).fetchall()
    found = {(table, name): tuple(rest) for table, name, *rest in rows}
    expected = {
        (table, name): (*said, True)
        for table, some in guards.items()
        for name, said in some.items()
    }
    audited = {(table, "must_audit") for table in _audited()}
    for place in (
        *expected,
        *sorted({each for each in found if each[1] == "must_audit"} | audited),
    ):
        is_now = found.pop(place, None)
        said = f"The trigger {place[1]}, which guards {place[0]},"
        if is_now is None:
            yield ("trigger", ".".join(place)), f"{said} is missing."
        elif not (is_now == expected[place] if place in expected else _asks(is_now)):
            yield ("trigger", ".".join(place)), f"{said} is off, or not what it was."
    for table, name in sorted(found):
        words = f"The trigger {name} of {table} is not one of Steward's."
        yield ("trigger", f"{table}.{name}"), words


def _asks(trigger: tuple[object, ...]) -> bool:
    return trigger[0] in {"O", "A"} and trigger[1:] == (*_MUST_AUDIT, True)


def _audited() -> set[str]:
    """Return the tables whose changes must be in the log, of the models that are loaded."""
    mappers = Model.registry.mappers
    audited = (one.local_table for one in mappers if issubclass(one.class_, Audited))
    return _LATE | {table.name for table in audited if isinstance(table, Table)}
