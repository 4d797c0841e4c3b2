"""What the migrations made to guard the data: bodies of functions, triggers, policies, as digests.

``guards.json`` holds the digests of a freshly migrated database. A migration that changes a function, a trigger or a
policy changes the list: `UPDATE_GUARDS=1 pytest tests/audit/test_made.py` writes it anew.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from webapp.audit.leaves import Connection

LIST = Path(__file__).with_name("guards.json")
Place = tuple[str, str]  # kind and name

# All that ours do. What the queue and extensions bring is theirs.
_FUNCTIONS = r"""
SELECT 'function', p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', p.proowner = o.relowner,
  concat_ws(E'\x1f', l.lanname, p.prosrc, p.probin, p.prokind, p.prosecdef, p.provolatile, p.proisstrict,
    p.proleakproof, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
    (SELECT string_agg(one, E'\x1e' ORDER BY one) FROM unnest(p.proconfig) AS one))
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
  JOIN pg_class o ON o.oid = to_regclass('public.audit_event')
 WHERE p.pronamespace = 'public'::regnamespace AND NOT starts_with(p.proname, 'procrastinate_')
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                      AND d.deptype = 'e')
"""
# The months have those of the log, which are looked at one by one.
_TRIGGERS = """
SELECT 'trigger', c.relname || '.' || t.tgname, t.tgenabled IN ('O', 'A'), pg_get_triggerdef(t.oid)
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
   AND NOT starts_with(c.relname, 'procrastinate_')
"""
_POLICIES = r"""
SELECT 'policy', c.relname || '.' || p.polname, true, concat_ws(E'\x1f', p.polcmd, p.polpermissive,
    (SELECT string_agg(CASE WHEN r.oid = c.relowner THEN 'owner' ELSE coalesce(r.rolname, 'public') END, ','
                       ORDER BY r.rolname) FROM unnest(p.polroles) AS one LEFT JOIN pg_roles r ON r.oid = one),
    'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid))
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = 'public'::regnamespace
"""
_SECURED = """
SELECT 'security', c.relname, true, concat_ws(' ', c.relrowsecurity, c.relforcerowsecurity)
  FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
   AND (c.relrowsecurity OR c.relforcerowsecurity)
"""
_SAID = {
    "function": "The function {name}",
    "trigger": "The trigger {name}",
    "policy": "The policy {name}",
    "security": "Row level security of {name}",
}


def faults(connection: Connection) -> Iterator[tuple[Place, str]]:
    """Say of each that is not what the migrations made of it what is wrong."""
    expected = dict(known())
    names = {name.partition("(")[0] for kind, name in expected if kind == "function"}
    for (kind, name), (stands, digest) in sorted(digests(connection).items()):
        said = _SAID[kind].format(name=name)
        before = expected.pop((kind, name), None)
        if before is None:
            # Of tables and functions that are somebody's own, nothing is known.
            if kind == "policy" or (kind == "function" and name.partition("(")[0] in names):
                yield (kind, name), f"{said} is not one of Steward's."
        elif before != digest:
            # With its digest: another change of it is another finding.
            yield (kind, name), f"{said} is not what the migrations made ({digest[:12]})."
        elif not stands:
            why = "belongs to somebody else" if kind == "function" else "is off"
            yield (kind, name), f"{said} {why}."
    for kind, name in expected:
        yield (kind, name), f"{_SAID[kind].format(name=name)} is missing."


def digests(connection: Connection) -> dict[Place, tuple[bool, str]]:
    """Return of each guard whether it stands (is on, is the owner's), and the digest of what it does."""
    found = {}
    for query in (_FUNCTIONS, _TRIGGERS, _POLICIES, _SECURED):
        for kind, name, stands, text in connection.execute(query).fetchall():
            plain = text if kind == "function" else bare(text)
            found[kind, name] = stands, hashlib.sha256(plain.encode()).hexdigest()[:32]
    return found


def bare(expression: str) -> str:
    """Return an expression without what versions of PostgreSQL write differently."""
    return re.sub(r"::\w+(\[\])?|\bpublic\.|[\s()]", "", expression)


@lru_cache(maxsize=1)
def known() -> dict[Place, str]:
    """Return the digests of what the migrations make."""
    kinds: dict[str, dict[str, str]] = json.loads(LIST.read_text())
    return {(kind, name): digest for kind, of in kinds.items() for name, digest in of.items()}


def write(connection: Connection) -> None:
    """Note what a freshly migrated database has as what has to be."""
    kinds: dict[str, dict[str, str]] = {}
    for (kind, name), (_stands, digest) in sorted(digests(connection).items()):
        kinds.setdefault(kind, {})[name] = digest
    LIST.write_text(json.dumps(kinds, indent=1, sort_keys=True) + "\n")
