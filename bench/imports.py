"""How long an import takes, and how much memory: `python bench/imports.py [ROWS]` (50,000).

Needs DATABASE_URL and SECRET_KEY of a database that may be filled; runs both jobs in this process, and each for
three files: new rows, one row in ten changed, all changed.
"""

import argparse
import csv
import io
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from webapp import create_app
from webapp.access import identity
from webapp.assets.importing import mapping, runs, tasks
from webapp.core.config import load_settings
from webapp.core.db import db
from webapp.core.unit_of_work import unit_of_work
from webapp.jobs import queue

HEADER = (
    "Asset Tag,Name,Category,Company,Serial,Manufacturer,Model,Purchase Date,Purchase Cost,"
    "Asset Notes,Checked Out To: Email"
)


def file_of(
    rows: int, *, seed: str, clients: list[str], emails: list[str], changed: int = 0
) -> bytes:
    """Write a file in the shape of another register's export."""
    out = io.StringIO()
    out.write(HEADER + "\n")
    writer = csv.writer(out)
    for n in range(rows):
        name = f"Notebook {n}" + (" (new)" if changed and n % changed == 0 else "")
        holder = emails[n % len(emails)] if n % 10 == 0 else ""
        writer.writerow(
            [f"{seed}-{n:06}", name, "Benchmark", clients[n % len(clients)], f"SN{seed}{n:07}", "Lenovo",
             f"ThinkPad T{n % 9}", f"{n % 12 + 1}/{n % 28 + 1}/24", f"{n % 3000}.50", "From the old register", holder]
        )  # fmt: skip
    return out.getvalue().encode()


def server_time() -> float:
    """Return the CPU time that the connections of this process took in a server on this machine."""
    mine = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
    pids = list(db.session.scalars(mine))
    db.session.rollback()
    return sum(_used(pid) for pid in pids)


def _used(pid: int) -> float:
    try:
        used = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return used.user + used.system


def timed(title: str, work: Callable[[], None], rows: int) -> None:
    """Run `work`; print how long it took and the memory of this process."""
    process, before = psutil.Process(), psutil.Process().memory_info().rss
    start, cpu, server = time.perf_counter(), time.process_time(), server_time()
    work()
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    server = server_time() - server
    now = process.memory_info().rss
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{title:28} {took:6.1f} s (CPU {cpu:.1f} s here, {server:.1f} s in the server)"
        f"  {took / rows * 1000:5.2f} ms a row"
        f"  memory {before / 2**20:.0f} -> {now / 2**20:.0f} MB, peak {peak:.0f} MB",
        flush=True,
    )


def work_off() -> None:
    """Do the job that waits."""
    row = db.session.execute(
        text(
            "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id DESC LIMIT 1"
        )
    ).one()
    db.session.rollback()
    queue.run(queue.TASKS[row.task_name], job_id=row.id, args=dict(row.args))
    with db.engine.begin() as connection:
        connection.execute(
            text("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = :id"),
            {"id": row.id},
        )


def one_import(user_id: int, content: bytes, rows: int, title: str) -> dict[str, int]:
    """Upload, check, apply."""
    run_id = 0

    def upload() -> None:
        nonlocal run_id
        with unit_of_work("system:bench"):
            who = identity.act_as_person(user_id, page=runs.PAGE)
            run_id = runs.upload(who, io.BytesIO(content), name="bench.csv").id

    def start(step: str) -> None:
        with unit_of_work("system:bench"):
            who = identity.act_as_person(user_id, page=runs.PAGE)
            run = runs.find(run_id, lock=True)
            assert run is not None
            if step == "check":
                options = mapping.Options.model_validate(
                    run.settings["options"] | {"unknown_types": "create"}
                )
                runs.start_check(who, run, options, job=tasks.check_import, url="")
            elif run.counts.get("new") or run.counts.get("changed"):
                runs.start_apply(who, run, job=tasks.apply_import, url="")
        work_off()

    timed(f"{title}: upload", upload, rows)
    timed(f"{title}: check", lambda: start("check"), rows)
    timed(f"{title}: apply", lambda: start("apply"), rows)
    with unit_of_work("system:bench"):
        identity.act_as_person(user_id, page=runs.PAGE)
        run = runs.find(run_id)
        assert run is not None
        return run.counts


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=50_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="steward-bench-") as home:
        settings = load_settings().model_copy(update={"data_dir": Path(home)})
        app = create_app(settings)
        with app.app_context():
            with unit_of_work("system:bench"):
                user_id = db.session.scalar(
                    text("SELECT id FROM users WHERE email = 'admin@example.com'")
                )
                clients = list(
                    db.session.scalars(
                        text("SELECT code FROM clients WHERE deleted_at IS NULL LIMIT 20")
                    )
                )
                emails = list(
                    db.session.scalars(text("SELECT email FROM users WHERE is_active LIMIT 50"))
                )
            assert user_id, "needs the demo people: flask seed"
            seed = f"B{int(time.time()) % 10**6}"
            for title, changed in (("new", 0), ("one in ten changed", 10), ("all changed", 1)):
                content = file_of(rows, seed=seed, clients=clients, emails=emails, changed=changed)
                print(one_import(user_id, content, rows, title))


if __name__ == "__main__":
    main()
