"""How fast rows of the log are sealed and checked, and whether sealing keeps up while it is killed again and again.

Eight processes write as requests do, 1 to 5 rows in a transaction, while a ninth seals each second and is killed in
between; in the end every row has to be under exactly one seal. Then many rows are added, sealed in one window and
checked. Run it with `python bench/seals.py [rows]`; BENCH_DATABASE_URL names a server, else the embedded one is taken.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "var" / "bench"
SECRET = "only for measuring, only for measuring, only"  # noqa: S105 - opens nothing
URL = os.environ.get("BENCH_DATABASE_URL", "")
os.environ |= {"DATA_DIR": str(HOME), "SECRET_KEY": SECRET, "DATABASE_URL": URL}
sys.path.insert(0, str(ROOT))

from webapp.audit import sealing, verifying  # noqa: E402 - the line above finds it
from webapp.core import database  # noqa: E402
from webapp.core.config import Settings, load_settings  # noqa: E402

NAME = "steward_bench_seals"
WRITERS, SECONDS, KILLS, ROWS = 8, 20.0, 12, 300_000
INSERT = """
INSERT INTO audit_event (request_id, actor_id, actor_name, via, ip, user_agent, method, path, page, action, category,
  object_type, object_id, object_label, client_id, changes)
SELECT md5(n::text), n %% 200, 'Ana Ruiz', 'session:' || n %% 900, ('10.0.' || n %% 200 || '.7')::inet,
  'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'POST', '/tickets/' || n, 'tickets',
  'ticket.updated', 'change', 'ticket', n, '#' || n || ' The printer on the second floor does not answer', n %% 50,
  jsonb_build_object('priority', jsonb_build_array('normal', 'high'), 'assignee_id', jsonb_build_array(null, n %% 40),
    'updated_at', jsonb_build_array('2026-01-05T10:00:00+00:00', '2026-01-05T10:00:01+00:00'))
FROM generate_series(%s::int, %s::int) n
"""


def main() -> None:
    """Prepare, measure, print."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="steward-seals-") as directory:
        settings = prepare(Path(directory))
        sealing.load_key(settings.seal_key, create=True)
        try:
            print("| what | figure |\n| --- | ---: |")
            keep_up(settings)
            seal_and_check(settings, wanted)
        finally:
            with server() as connection:
                connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def server() -> psycopg.Connection[Any]:
    """Connect to the server as somebody who may make databases."""
    return psycopg.connect(dsn(load_settings().owner_url()), autocommit=True)


def dsn(url: str | None) -> str:
    """The URL as psycopg wants it."""
    return make_url(url or "").set(drivername="postgresql").render_as_string(hide_password=False)


def prepare(directory: Path) -> Settings:
    """Make a database with an empty log, where the key lies in ``directory``."""
    with server() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {NAME}")
    known = load_settings()
    url = make_url(known.owner_url() or "").set(database=NAME)
    made = Settings(
        database_url=url.render_as_string(hide_password=False),
        secret_key=known.secret_key,
        data_dir=directory,
    )
    database.prepare(made)
    return made


def keep_up(settings: Settings) -> None:
    """Write from eight processes while a ninth seals and dies."""
    stop = time.time() + SECONDS
    writers = [
        multiprocessing.Process(target=write, args=(settings, number, stop))
        for number in range(WRITERS)
    ]
    for each in writers:
        each.start()
    kills = 0
    while time.time() < stop:
        sealer = multiprocessing.Process(target=seal_on, args=(settings, stop))
        sealer.start()
        sealer.join(timeout=min(SECONDS / KILLS * random.uniform(0.5, 1.5), stop - time.time()))  # noqa: S311
        if sealer.is_alive():
            sealer.kill()
            kills += 1
        sealer.join()
    for each in writers:
        each.join()
    begun = time.perf_counter()
    with sealing.connect(settings) as connection:
        behind = sealing.seal(connection, sealing.load_key(settings.seal_key))
        taken = time.perf_counter() - begun
        report = finished(connection, settings)
        rows = count(connection)
    assert report.ok, report.findings
    assert (report.rows, report.unsealed) == (rows, 0)
    print(f"| rows written by {WRITERS} writers in a second | {rows / SECONDS:,.0f} |")
    print(f"| seals meanwhile, the sealer killed {kills} times | {report.seals} |")
    print(f"| rows left in the end, and sealed in | {behind} in {taken:.2f} s |", flush=True)


def finished(connection: psycopg.Connection[Any], settings: Settings) -> verifying.Report:
    """Check once everything is sealed: a transaction that is open anywhere on the server holds that back."""
    for _ in range(60):
        report = verifying.verify(connection)
        if not report.unsealed or not report.ok:
            break
        time.sleep(0.5)
        sealing.seal(connection, sealing.load_key(settings.seal_key))
    return report


def write(settings: Settings, number: int, stop: float) -> None:
    """Be a writer."""
    chance = random.Random(number)  # noqa: S311
    with psycopg.connect(dsn(settings.owner_url())) as connection:
        while time.time() < stop:
            first = chance.randrange(1_000_000)
            connection.execute(INSERT, [first, first + chance.randrange(5)])
            time.sleep(chance.choice((0, 0, 0.005)))  # some commit late
            connection.commit()


def seal_on(settings: Settings, stop: float) -> None:
    """Be the sealer, more often than each minute."""
    key = sealing.load_key(settings.seal_key)
    with sealing.connect(settings) as connection:
        while time.time() < stop:
            sealing.seal(connection, key)
            time.sleep(0.3)


def count(connection: psycopg.Connection[Any]) -> int:
    """How many rows the log has."""
    return int(connection.execute("SELECT count(*) FROM audit_event").fetchall()[0][0])


def seal_and_check(settings: Settings, wanted: int) -> None:
    """Seal many rows in one window, then check everything."""
    with psycopg.connect(dsn(settings.owner_url()), autocommit=True) as owner:
        for first in range(0, wanted, 5000):
            owner.execute(INSERT, [first, min(first + 4999, wanted - 1)])
    with sealing.connect(settings) as connection:
        key, sealed = sealing.load_key(settings.seal_key), 0
        while sealed < wanted:
            begun = time.perf_counter()
            sealed = max(sealed, sealing.seal(connection, key))
            taken = time.perf_counter() - begun
            time.sleep(0 if sealed else 0.5)
        print(f"| rows sealed in a second, {sealed:,} in one window | {sealed / taken:,.0f} |")
        speeds = []
        for _ in range(3):
            begun = time.perf_counter()
            report = verifying.verify(connection)
            speeds.append(report.rows / (time.perf_counter() - begun))
            assert report.ok, report.findings
        print(
            f"| rows checked in a second, {report.rows:,} under {report.seals} seals | {max(speeds):,.0f} |"
        )
        kept = connection.execute("SELECT pg_total_relation_size('audit_leaf')").fetchall()[0][0]
        print(f"| bytes kept of a sealed row | {kept / report.rows:.1f} |")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| memory of the process at most | {most:.0f} MB |")


if __name__ == "__main__":
    main()
