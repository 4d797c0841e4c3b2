"""One import from the first line to the last: a single transaction, so a crash leaves nothing, and a rerun does it all.

What is there already is told by the log itself: each event has a key (``history``) and is written once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text

from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.organisation.models import Client, Location
from webapp.tickets.importing import writing
from webapp.tickets.importing.entries import Entry, entry_of
from webapp.tickets.importing.history import History, Rules, history_of
from webapp.tickets.importing.naming import Names
from webapp.tickets.importing.reader import LogFile, WrongRow
from webapp.tickets.importing.staging import Staging
from webapp.tickets.models import PriorityRule

CLIENT = "IMPORTED"
AT_ONCE = 2_000  # rows
Progress = Callable[[str, int], None]
Complain = Callable[[int, str], None]


@dataclass(kw_only=True, slots=True)
class Report:
    """What an import did, or would do."""

    rows: int = 0
    wrong: int = 0
    tickets: int = 0
    new: int = 0
    continued: int = 0
    events: int = 0
    kept: int = 0
    made: dict[str, int] = field(default_factory=dict)
    sha256: str = ""

    @property
    def changed_anything(self) -> bool:
        """Whether there was something new in the file."""
        return bool(self.new or self.continued or self.kept)


class Import:
    """Brings in one file, inside the caller's transaction."""

    def __init__(
        self, *, code: str | None, zone: ZoneInfo, dry: bool, complain: Complain, progress: Progress
    ) -> None:
        """``complain`` is told line and reason of each wrong row, ``progress`` the step and how far it is."""
        self.code, self.zone, self.dry = code, zone, dry
        self.complain, self.progress = complain, progress
        self.report = Report()

    def run(self, file: IO[bytes], *, name: str) -> Report:
        """Do it; ``name`` is what the log calls the file.

        Raises:
            DomainError: if the file is no log, there is no such client, or another import runs.
        """
        _alone()
        client_id = _client(self.code, dry=self.dry)
        names, rules = Names(client_id, dry=self.dry), _rules()
        with Staging() as staged:
            self._stage(file, staged)
            for lot in staged.lots():
                self._bring_in([history_of(entries, rules) for entries in lot], client_id, names)
                trail.write_out()
                self.progress("tickets", len(lot))
        self.report.made = names.made
        if self.report.changed_anything and not self.dry:
            _summarise(self.report, client_id, name)
        return self.report

    def _stage(self, file: IO[bytes], staged: Staging) -> None:
        some: list[Entry] = []
        log, done = LogFile(file), 0
        for entry in self._entries(log):
            some.append(entry)
            if len(some) == AT_ONCE:
                staged.keep(some)
                some = []
                self.progress("bytes", log.read - done)
                done = log.read
        staged.keep(some)
        self.report.sha256 = log.sha256
        self.progress("bytes", log.read - done)
        self.report.tickets = staged.count()
        self.progress("found", self.report.tickets)

    def _entries(self, log: LogFile) -> Iterator[Entry]:
        for line in log.lines():
            self.report.rows += 1
            problem = line.problem
            if not problem:
                try:
                    yield entry_of(line.number, line.cells, self.zone)
                except WrongRow as error:
                    problem = str(error)
            if problem:
                self.report.wrong += 1
                self.complain(line.number, problem)

    def _bring_in(self, lives: list[History], client_id: int | None, names: Names) -> None:
        known = writing.known_ones(client_id, [life.number for life in lives]) if client_id else {}
        new = [life for life in lives if life.number not in known]
        later = [
            life
            for life in lives
            if life.number in known
            and any(event.key not in known[life.number].events for event in life.events)
        ]
        _learn(names, [*new, *later])
        self.report.new += len(new)
        self.report.events += sum(1 + len(life.events) for life in new)
        if new and not self.dry and client_id:
            writing.add(client_id, new, names)
        if later and client_id:
            self._continue(later, known, client_id, names)

    def _continue(
        self,
        lives: list[History],
        known: dict[str, writing.Known],
        client_id: int,
        names: Names,
    ) -> None:
        changes = []
        for life in lives:
            there = known[life.number]
            self.report.continued += 1
            self.report.events += sum(event.key not in there.events for event in life.events)
            values, kept = writing.go_on(client_id, life, there, names)
            self.report.kept += kept
            if values:
                changes.append((there, values))
        if self.dry:
            db.session.info.pop(trail.NOTES, None)
        else:
            writing.change(changes)


def _alone() -> None:
    """Have the transaction last as long as it has to, and be the only import."""
    db.session.execute(
        text(
            "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '60s', true),"
            " set_config('idle_in_transaction_session_timeout', '1h', true), set_config('app.imports', '1', true)"
        )
    )
    if not db.session.scalar(
        text("SELECT pg_try_advisory_xact_lock(hashtext('steward import-log'))")
    ):
        raise DomainError(_("Another import is running just now."))


def _client(code: str | None, *, dry: bool) -> int | None:
    """Return the client that has this code; without one that of earlier imports, made if there is none."""
    same = func.lower(Client.code) == (code or CLIENT).lower()
    found = db.session.scalars(
        select(Client).where(same, Client.deleted_at.is_(None))
    ).one_or_none()
    if found is not None:
        return found.id
    if code is not None:
        raise DomainError(_("There is no client with the code %(code)s.", code=code))
    if dry:
        return None
    place = Location(name="Imported")
    db.session.add(place)
    db.session.flush()
    client = Client(name="Imported tickets", code=CLIENT, location_id=place.id)
    db.session.add(client)
    db.session.flush()
    return client.id


def _rules() -> Rules:
    rows = db.session.execute(
        select(PriorityRule.impact, PriorityRule.urgency, PriorityRule.priority)
    )
    return {(row.impact, row.urgency): row.priority for row in rows}


def _learn(names: Names, lives: list[History]) -> None:
    people: set[str | None] = set()
    teams: set[str | None] = set()
    projects: set[str | None] = set()
    for life in lives:
        people |= {life.opened_by, life.caller, life.opened.assignee}
        teams.add(life.opened.team)
        projects.add(life.opened.project)
        for event in life.events:
            people |= {event.by, *event.changes.get("assignee", ())}
            teams |= set(event.changes.get("team", ()))
            projects |= set(event.changes.get("project", ()))
    names.learn(people=_said(people), teams=_said(teams), projects=_said(projects))


def _said(names: set[str | None]) -> set[str]:
    return {name for name in names if name}


def _summarise(report: Report, client_id: int | None, name: str) -> None:
    trail.note(
        "tickets.imported",
        category="import",
        object_label=name[:300],
        client_id=client_id,
        changes={
            "sha256": report.sha256,
            "rows": report.rows,
            "wrong": report.wrong,
            "tickets": report.tickets,
            "new": report.new,
            "continued": report.continued,
            "events": report.events,
            "kept": report.kept,
            **report.made,
        },
    )
