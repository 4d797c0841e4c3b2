"""How long pages take, against a bare Flask view that runs the same SQL and renders the same bytes.

Both stand behind the same gunicorn with one worker; requests come one after another on an open
connection, in turns. The floor replays the recorded statements with their parameters, and puts the
recorded lines of the page through a Jinja loop: it decides nothing, builds no object and escapes
nothing, so it is a floor and not a rival. In the change it replays the UPDATE finds an older
version and so no row; its audit row is written. Run it with `python bench/pages.py`.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import pickle
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import psutil
from sqlalchemy import event, make_url, select, text

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "var" / "bench"
SECRET = "only for measuring, only for measuring, only"  # noqa: S105 - opens nothing
ROUNDS, WRITES, WARM_UP = 60, 30, 5
# Another server than the embedded one: BENCH_DATABASE_URL, a database with the large data set.
URL = os.environ.get("BENCH_DATABASE_URL", "")
os.environ |= {"DATA_DIR": str(HOME), "SECRET_KEY": SECRET, "DEMO": "1", "DATABASE_URL": URL}
sys.path.insert(0, str(ROOT))

from bench.audit_pages import audit_pages, auditors, troubles  # noqa: E402 - the line above finds it
from bench.ticket_pages import fields_of, ticket_pages  # noqa: E402


def main() -> None:
    """Prepare, measure, print."""
    from webapp import create_app
    from webapp.core import database
    from webapp.core.config import load_settings

    HOME.mkdir(parents=True, exist_ok=True)
    settings = load_settings()
    settings = settings.model_copy(update={"log_level": "CRITICAL"})
    database.prepare(settings)
    app = create_app(settings)
    seed(app)
    boss = signed_in(app, "admin@example.com")
    people = {"scoped": scoped_person(app), **auditors(app)}
    others = {which: signed_in(app, email) for which, email in people.items()}

    def visitor(name: str) -> tuple[str, str]:
        return next((whom for which, whom in others.items() if which in name), boss)

    wanted = sys.argv[1:]
    recorded = [
        record(app, *visitor(name), name, address)
        for name, address in addresses(app)
        if not wanted or any(word in name for word in wanted)
    ]
    for page in recorded:
        print(f"  recorded {page['name']}: {page['status']}", file=sys.stderr)
    (HOME / "pages.pickle").write_bytes(pickle.dumps(recorded))
    url = make_url(settings.app_url()).set(drivername="postgresql")
    dsn = url.render_as_string(hide_password=False)
    floor_env = {"FLOOR_FILE": str(HOME / "pages.pickle"), "FLOOR_DSN": dsn}
    with served("bench.floor:app", floor_env) as floor, served("wsgi:app", {}) as steward:
        print("| page | statements | floor | Steward | ratio |")
        print("| --- | ---: | ---: | ---: | ---: |")
        for number, page in enumerate(recorded):
            print(row(floor, steward, number, page, *visitor(page["name"])), flush=True)
        print(f"\nMemory of the worker afterwards: {steward.megabytes():.0f} MB")
    told = [
        f"{page['name']}: {trouble}"
        for page in recorded
        if page["path"].startswith("/audit")
        for trouble in troubles(dsn, page)
    ]
    if told:
        sys.exit("Searches of the log that read too much:\n" + "\n".join(told))


def addresses(app: Any) -> list[tuple[str, str]]:
    """All that is measured."""
    return [*pages(app), *asset_pages(app), *ticket_pages(app), *audit_pages(app)]


def seed(app: Any) -> None:
    """Fill an empty database with much."""
    from webapp.core.db import db

    with app.app_context():
        empty = not db.session.scalar(text("SELECT EXISTS (SELECT FROM users)"))
        db.session.rollback()
    if empty:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "seed", "--size", "large"]
        subprocess.run(command, cwd=ROOT, check=True)


def signed_in(app: Any, email: str) -> tuple[str, str]:
    """Open a session for somebody; return its cookie and a form's token."""
    from webapp.core.db import db
    from webapp.core.unit_of_work import unit_of_work
    from webapp.users import sessions
    from webapp.users.models import User

    with app.app_context(), unit_of_work("system:bench"):
        user = db.session.scalars(select(User).where(User.email == email)).one()
        opened = sessions.open_session(user, ip="127.0.0.1", user_agent="bench")
        sessions.trail.note("session.opened", category="sign-in")
        token = opened.token
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["_user_id"] = token
    form = client.get("/account").text
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    if cookie is None or found is None:
        raise SystemExit("/account shows no form to measure a change with")
    return f"{cookie.key}={cookie.value}", found.group(1)


def scoped_person(app: Any) -> str:
    """The address of somebody who manages the assets of a place: one in six of all clients."""
    from webapp.access.models import Role, UserRole
    from webapp.core.db import db
    from webapp.core.unit_of_work import unit_of_work
    from webapp.users.models import User

    with app.app_context(), unit_of_work("system:bench"):
        user = db.session.scalars(select(User).where(User.email == "bench1@example.org")).one()
        held = select(UserRole.id).where(UserRole.user_id == user.id)
        if db.session.scalar(held) is None:
            role = db.session.scalars(select(Role).where(Role.name == "Asset manager")).one()
            places = text("SELECT location_id FROM clients WHERE code = 'BENCH-7'")
            place = db.session.scalar(places)
            db.session.add(UserRole(user_id=user.id, role_id=role.id, location_id=place))
        return user.email


def asset_pages(app: Any) -> list[tuple[str, str]]:
    """Names and addresses of the register, a record and the tree, with the large data set."""
    from webapp.core.db import db

    with app.app_context():
        db.session.execute(text("SET LOCAL ROLE steward_all"))

        def one(query: str) -> Any:
            return db.session.scalar(text(query))

        kind = one("SELECT id FROM asset_types WHERE name = 'Bench laptop'")
        client = one("SELECT id FROM clients WHERE code = 'BENCH-7'")
        place = one("SELECT location_id FROM clients WHERE code = 'BENCH-7'")
        project = one("SELECT project_id FROM assets WHERE tag = 'B-100010'")
        serial = one("SELECT serial FROM assets WHERE tag = 'B-100006'")
        deep = one("SELECT id FROM assets WHERE tag = 'B-025000'")
        db.session.rollback()
    cursor = base64.urlsafe_b64encode(json.dumps(["B-025000", deep]).encode()).decode()
    return [
        ("assets", "/assets"),
        ("assets, filtered", f"/assets?type={kind}&status=in_repair"),
        ("assets of a place", f"/assets?place=location:{place}"),
        ("assets of a client", f"/assets?place=client:{client}"),
        ("assets, sorted", "/assets?sort=-warranty"),
        ("assets, filtered and sorted", f"/assets?type={kind}&sort=-purchased"),
        ("assets, a rare word", f"/assets?q={serial}"),
        ("assets, a common word", "/assets?q=latitude"),
        ("assets, page 1,000", f"/assets?after={cursor.rstrip('=')}"),
        ("assets, scoped", "/assets"),
        ("assets, scoped, a rare word", f"/assets?q={serial}"),
        ("assets, scoped, a common word", "/assets?q=latitude"),
        ("assets, scoped, sorted", "/assets?sort=-warranty"),
        ("an asset", "/assets/B-000006"),
        ("an asset, scoped", "/assets/B-000006"),
        ("assets overdue", "/assets/overdue"),
        ("asset tree", "/assets/tree"),
        ("asset tree, a place", f"/assets/tree/children?node=location:{place}"),
        ("asset tree, a client", f"/assets/tree/children?node=client:{client}"),
        ("asset tree, a project", f"/assets/tree/children?node=project:{project}"),
        ("asset tree, scoped", "/assets/tree"),
        ("dashboard, scoped", "/"),
    ]


def pages(app: Any) -> list[tuple[str, str]]:
    """Names and addresses; a deep page is found by following the pager."""
    from webapp.core.db import db

    with app.app_context():
        db.session.execute(text("SET LOCAL ROLE steward_all"))
        user = db.session.scalar(text("SELECT max(id) FROM users"))
        record = db.session.scalar(text("SELECT max(id) FROM audit_event"))
        day = db.session.scalar(text("SELECT max(recorded_at)::date FROM audit_event"))
        db.session.rollback()
    return [
        ("dashboard", "/"),
        ("people", "/users"),
        ("people, filtered", "/users?state=active"),
        ("people, sorted", "/users?sort=-created"),
        ("people, searched", "/users?q=ana"),
        ("people, later page", "next of /users"),
        ("a person", f"/users/{user}"),
        ("roles", "/roles"),
        ("organisation", "/organisation"),
        ("clients", "/organisation/clients"),
        ("projects", "/organisation/projects"),
        ("audit log", "/audit"),
        ("audit log, one person", f"/audit?actor={user}"),
        ("audit log, one day", f"/audit?since={day}T00:00&until={day}T23:59"),
        ("an audit row", f"/audit/{record}"),
        ("a change (POST, audited)", "POST /account/theme"),
    ]


def record(app: Any, cookie: str, csrf: str, name: str, address: str) -> dict[str, Any]:
    """Open a page once and note what it asked the database and what it answered."""
    from webapp.core.db import db

    method, path = ("POST", address[5:]) if address.startswith("POST ") else ("GET", address)
    client = app.test_client(use_cookies=False)
    headers = headers_of(cookie, path, method)
    if path.startswith("next of "):
        listed = client.get(path[8:], headers=headers).text
        found = re.search(r'href="([^"]*[?&]after=[^"]+)"', listed)
        path = urljoin(path[8:], found.group(1).replace("&amp;", "&")) if found else path[8:]
    for turn in range(2):  # the first fills caches
        seen: list[tuple[str, Any]] = []

        def note(_c: Any, _cursor: Any, sql: str, values: Any, *_: Any, seen: Any = seen) -> None:
            seen.append((sql, values))

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        data = {"csrf_token": csrf} | fields_of(path, turn) if method == "POST" else None
        reply = client.open(path, method=method, headers=headers, data=data)
        event.remove(engine, "before_cursor_execute", note)
    return {
        "name": name,
        "path": path,
        "method": method,
        "status": reply.status_code,
        "statements": seen,
        "lines": reply.text.splitlines(keepends=True),
    }


def headers_of(cookie: str, path: str, method: str) -> dict[str, str]:
    """What a browser sends along; fragments are asked for by htmx."""
    fragments = ("/children", "/tickets/views", "/side", "/bell")
    if path.endswith(fragments) or "/children" in path or (method == "POST" and "/tickets" in path):
        return {"Cookie": cookie, "HX-Request": "true", "HX-Request-Type": "partial"}
    return {"Cookie": cookie}


class Served:
    """A gunicorn with one worker."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> int:
        """Ask and read the reply; return its status."""
        self.connection.request(method, path, body, headers)
        reply = self.connection.getresponse()
        reply.read()
        return reply.status

    def megabytes(self) -> float:
        """Resident memory of the worker."""
        worker = psutil.Process(self.process.pid).children()[0]
        return float(worker.memory_info().rss) / 1e6


@contextlib.contextmanager
def served(target: str, extra: dict[str, str]) -> Iterator[Served]:
    """Run gunicorn as in production, one worker."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    env = os.environ | {"PORT": str(port), "HOST": "127.0.0.1", "WEB_WORKERS": "1"} | extra
    env |= {"LOG_LEVEL": "CRITICAL"}
    command = [sys.executable, "-m", "gunicorn", "-c", "webapp/core/server.py", target]
    process = subprocess.Popen(command, cwd=ROOT, env=env)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        time.sleep(2)
        yield Served(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def row(  # noqa: PLR0917 - two servers and a page
    floor: Served, steward: Served, number: int, page: dict[str, Any], cookie: str, csrf: str
) -> str:
    """Measure a page in turns with its floor."""
    times: tuple[list[float], list[float]] = ([], [])
    writes = page["method"] == "POST"
    headers = headers_of(cookie, page["path"], page["method"])
    if writes:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    for turn in range(WARM_UP + (WRITES if writes else ROUNDS)):
        fields = {"csrf_token": csrf} | fields_of(page["path"], turn)
        body = urlencode(fields) if writes else None
        for served_by, path, taken in (
            (floor, f"/{number}", times[0]),
            (steward, page["path"], times[1]),
        ):
            begun = time.perf_counter()
            status = served_by.ask(page["method"], path, body, headers)
            taken.append((time.perf_counter() - begun) * 1000)
            if status >= 400:
                who = "floor" if served_by is floor else "Steward"
                return (
                    f"| {page['name']} | {len(page['statements'])} | {who} failed: {status} | | |"
                )
    low, own = (statistics.median(taken[WARM_UP:]) for taken in times)
    count = len(page["statements"])
    return f"| {page['name']} | {count} | {low:.1f} ms | {own:.1f} ms | {own / low:.1f} |"


if __name__ == "__main__":
    main()
