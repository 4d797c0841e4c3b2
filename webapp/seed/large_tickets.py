"""Very many tickets for measuring: a service desk of three years, told by the database itself.

What is made depends on the number of the row alone, so every run makes the same. Words are found by one statement for
tickets and messages together: the triggers that would add them one after another stand still meanwhile.
"""

import io

import click
from sqlalchemy import Connection, Engine, text

from webapp.core import storage

TICKETS = 200_000
MESSAGES = 5  # at most; three on average
AT_ONCE = 20_000
SIZES = {"teams": 12, "members": 8, "messages": MESSAGES}
MARK = text(
    "INSERT INTO audit_event (action, category, actor_name) VALUES ('system.bench_data', 'system', 'system:seed')"
)
# Words that they compute or look up for each row are computed for all here, and nobody has to be told.
PAUSED = {"tickets": ("keep_ticket", "tell_new"), "ticket_messages": ("add_words",)}

_DESK = """
-- Nobody's hours: it never closes, so that due times are sums.
INSERT INTO business_hours (name) VALUES ('Bench hours');
INSERT INTO sla_policies (name, hours_id) SELECT 'Bench policy', id FROM business_hours WHERE name = 'Bench hours';
INSERT INTO sla_policies (name, hours_id, client_id, kind) SELECT 'Bench policy of ' || c.code, h.id, c.id,
 'incident' FROM business_hours h, clients c WHERE h.name = 'Bench hours' AND c.code LIKE 'BENCH-_';
INSERT INTO sla_targets (policy_id, priority, response, resolution)
 SELECT p.id, t.* FROM sla_policies p, (VALUES ('urgent', 60, 480), ('high', 240, 1440), ('normal', 480, 4320),
 ('low', 960, 7200)) AS t WHERE p.name LIKE 'Bench policy%';
INSERT INTO teams (name) SELECT 'Bench team ' || i FROM generate_series(1, :teams) AS i;
-- The administrator is in the first two, so that a page of one's own has something to show.
INSERT INTO team_members (team_id, user_id, is_lead) SELECT t.id, u.id, n = 1
 FROM (SELECT id, row_number() OVER (ORDER BY id) AS k FROM teams WHERE name LIKE 'Bench team %') AS t,
 generate_series(1, :members) AS n, users u WHERE u.email = 'bench' || (t.k * :members + n) || '@example.org';
INSERT INTO team_members (team_id, user_id) SELECT t.id, u.id FROM teams t, users u
 WHERE t.name IN ('Bench team 1', 'Bench team 2') AND u.email = 'admin@example.com';
INSERT INTO contacts (client_id, name, email) SELECT c.id, 'Contact ' || k || ' of ' || c.name,
 'contact' || k || '@' || lower(c.code) || '.example' FROM clients c, generate_series(1, 4) AS k
 WHERE c.code LIKE 'BENCH-%';
INSERT INTO canned_replies (shortcut, title, body) SELECT 'bench-' || i, 'Bench reply ' || i,
 'Hello {{requester.name}}, please try step ' || i || '.' FROM generate_series(1, 40) AS i
"""
# Each row gets four numbers without a pattern, from its own.
_FACTS = """
CREATE TEMP TABLE bench_facts ON COMMIT DROP AS
WITH dice AS (SELECT i, ('x' || substr(m, 1, 7))::bit(28)::int AS r1, ('x' || substr(m, 8, 7))::bit(28)::int AS r2,
    ('x' || substr(m, 15, 7))::bit(28)::int AS r3, ('x' || substr(m, 22, 7))::bit(28)::int AS r4 FROM (
    SELECT i, md5('ticket ' || i) AS m FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS i) AS d),
clients AS MATERIALIZED (
  SELECT c.id, substr(c.code, 7)::int AS k, array(SELECT p.id FROM projects p WHERE p.client_id = c.id ORDER BY 1)
    AS projects, array(SELECT o.id FROM contacts o WHERE o.client_id = c.id ORDER BY 1) AS contacts
    FROM clients c WHERE c.code LIKE 'BENCH-%'),
teams AS MATERIALIZED (
  SELECT t.id, row_number() OVER (ORDER BY t.id) - 1 AS k, array(
    SELECT user_id FROM team_members m WHERE m.team_id = t.id ORDER BY m.id) AS members
    FROM teams t WHERE t.name LIKE 'Bench team %'),
people AS MATERIALIZED (SELECT array_agg(id ORDER BY id) AS ids FROM users WHERE email LIKE 'bench%'),
drawn AS (SELECT d.*, now() - make_interval(secs => (:most - i) * (94608000.0 / :most)) AS opened_at,
  CASE WHEN r1 % 1000 < CASE WHEN i < :most * 0.6 THEN 950 ELSE 325 END THEN 'closed'
    ELSE (ARRAY['new', 'new', 'open', 'open', 'open', 'open', 'open', 'pending', 'pending', 'on_hold', 'resolved',
      'resolved'])[1 + r2 % 12] END AS status,
  (ARRAY['high', 'medium', 'medium', 'medium', 'low'])[1 + r3 % 5] AS impact,
  (ARRAY['high', 'medium', 'medium', 'low'])[1 + r4 % 4] AS urgency FROM dice d)
SELECT d.*, :base + d.i AS number, c.id AS client_id, a.id AS asset_id,
  CASE WHEN a.id IS NOT NULL THEN a.project_id WHEN r2 % 2 = 0 THEN c.projects[1 + r3 % 10] END AS project_id,
  CASE WHEN r3 % 25 > 0 THEN t.id END AS team_id,
  CASE WHEN r3 % 25 > 0 AND r4 % 10 > CASE WHEN d.status = 'new' THEN 7 ELSE 1 END
    THEN t.members[1 + r1 / 12 % cardinality(t.members)] END AS assignee_id,
  CASE WHEN r4 % 3 = 0 THEN p.ids[1 + r2 % cardinality(p.ids)] END AS user_id,
  CASE WHEN r4 % 3 = 1 OR r4 % 6 = 2 THEN c.contacts[1 + r2 % 4] END AS contact_id,
  least(now(), opened_at + make_interval(mins => 90 + r3 % 9000)) AS resolved_at
  FROM drawn d JOIN clients c ON c.k = 1 + d.i % 2000 JOIN teams t ON t.k = r1 % :teams CROSS JOIN people p
  LEFT JOIN assets a ON d.i % 3 = 0 AND a.client_id = c.id AND a.tag_key = 'b-' || lpad(d.i::text, 6, '0')
"""
_SAID = """
CREATE TEMP TABLE bench_said ON COMMIT DROP AS
SELECT i, j, least(now() - make_interval(secs => :messages - j),
    opened_at + make_interval(mins => j * (25 + r2 % 400))) AS sent_at, j % 4 = 3 AS is_note,
  CASE WHEN j % 2 = 1 THEN assignee_id ELSE user_id END AS author_id,
  CASE WHEN j % 2 = 0 AND user_id IS NULL THEN contact_id END AS contact_id,
  CASE WHEN j % 2 = 0 AND r3 % 3 > 0 THEN 'email' ELSE 'web' END AS via,
  CASE WHEN j = 0 THEN 'Hello, please help us: ' || f.what[1 + r1 % 20] || ' ' || f.place[1 + r2 % 12] || '. It began '
      || f.since[1 + r3 % 8] || ' and ' || f.effect[1 + r4 % 10] || '.'
    WHEN j % 4 = 3 THEN 'Called them: ' || f.cause[1 + (r1 + j) % 12] || '. ' || f.step[1 + (r2 + j) % 12] || ' next.'
    WHEN j % 2 = 1 THEN 'Hello, please ' || f.step[1 + (r3 + j) % 12] || ' and tell us whether it helps. We think that '
      || f.cause[1 + (r4 + j) % 12] || '.'
    ELSE 'Thank you. We did so, but ' || f.effect[1 + (r2 + j) % 10] || ' ' || f.since[1 + (r1 + j) % 8]
      || '. Please go on.'
  END || E'\\n\\nReference ' || substr(md5(i || '.' || j), 1, 12) AS body
  FROM bench_facts, generate_series(0, :messages - 1) AS j, (SELECT
    ARRAY['the printer prints empty pages', 'the laptop does not start', 'nobody can sign in', 'the monitor flickers',
      'the network is slow', 'the telephone rings and nobody is there', 'the door does not open', 'the server is loud',
      'the screen stays black', 'mail does not arrive', 'the scanner sends nothing', 'the backup failed',
      'the battery lasts an hour', 'the keyboard writes other letters', 'the projector is too dark',
      'the heating stays cold', 'the meter shows nothing', 'the camera is offline', 'an invoice is missing',
      'the password has run out'] AS what,
    ARRAY['in the office', 'at the reception', 'on the third floor', 'in the workshop', 'in the warehouse',
      'at home', 'in the meeting room', 'in the laboratory', 'in the canteen', 'at the gate', 'in the archive',
      'in the cellar'] AS place,
    ARRAY['this morning', 'yesterday', 'last week', 'after the update', 'over night', 'during lunch', 'on Monday',
      'when the power went out'] AS since,
    ARRAY['nobody can work', 'it stops again', 'it is only slow', 'customers wait', 'we use paper meanwhile',
      'the light is red', 'an error is shown', 'it smells', 'it comes and goes', 'two people are affected'] AS effect,
    ARRAY['a cable is loose', 'the licence ended', 'the disk is full', 'the driver is old', 'a fuse blew',
      'the certificate expired', 'the toner is empty', 'the address was taken', 'the switch rebooted',
      'the profile is broken', 'the supplier changed it', 'it was moved'] AS cause,
    ARRAY['restart it', 'change the cable', 'install the driver', 'order a new one', 'clean the sensor',
      'reset the password', 'free some space', 'replace the toner', 'look at the log', 'ask the supplier',
      'try another port', 'wait until tomorrow'] AS step) AS f
 WHERE j <= i % :messages
"""
_TICKETS = """
WITH words AS (SELECT i, string_agg(body, ' ' ORDER BY j) AS said, max(sent_at) AS last_at,
    min(sent_at) FILTER (WHERE j = 1) AS answered_at FROM bench_said GROUP BY i),
named AS (SELECT f.*, w.said, w.last_at, w.answered_at, r.priority, 'BENCH-' || f.i AS ref,
  initcap(substr(split_part(w.said, '. It began', 1), 24, 1)) || substr(split_part(w.said, '. It began', 1), 25)
    AS subject, CASE WHEN r4 % 5 = 0 THEN '{}' ELSE ARRAY['site-' || r1 % 40, (ARRAY['hardware', 'software', 'network',
    'access', 'vip', 'repeat'])[1 + r2 % 6]] END AS tags, status IN ('resolved', 'closed') AS done,
  t.response * interval '1 minute' AS response,
  -- Of those that are still open most have had their clocks stand.
  CASE WHEN status NOT IN ('resolved', 'closed') AND r1 % 10 < 7
    THEN now() - opened_at + make_interval(mins => r2 % 20000 - 3000) ELSE t.resolution * interval '1 minute' END
    AS resolution
  FROM bench_facts f JOIN words w USING (i) JOIN ticket_priority_rules r USING (impact, urgency)
  JOIN (VALUES ('urgent', 60, 480), ('high', 240, 1440), ('normal', 480, 4320), ('low', 960, 7200))
    AS t (priority, response, resolution) ON t.priority = r.priority)
INSERT INTO tickets (number, subject, kind, status, impact, urgency, priority, client_id, project_id, asset_id,
  requester_user_id, requester_contact_id, assignee_id, team_id, tags, resolution, opened_at, created_at, updated_at,
  responded_at, resolved_at, closed_at, last_message_at, external_ref, sla_policy_id, response_due_at,
  resolution_due_at, response_breached_at, resolution_breached_at, sla_check_at, pauses, search)
SELECT number, subject, (ARRAY['incident', 'incident', 'incident', 'request', 'request', 'maintenance'])[1 + r3 % 6],
  status, impact, urgency, priority, client_id, project_id, asset_id, user_id, contact_id, assignee_id, team_id, tags,
  CASE WHEN done THEN 'Done, it works again.' ELSE '' END, opened_at, opened_at,
  greatest(last_at, CASE WHEN done THEN resolved_at END), answered_at, CASE WHEN done THEN resolved_at END,
  CASE WHEN status = 'closed' THEN least(now(), resolved_at + interval '7 days') END, last_at, ref,
  (SELECT id FROM sla_policies WHERE client_id IS NULL AND kind IS NULL AND deleted_at IS NULL),
  opened_at + response, opened_at + resolution,
  CASE WHEN opened_at + response < coalesce(answered_at, now()) THEN opened_at + response END,
  CASE WHEN opened_at + resolution < CASE WHEN done THEN resolved_at ELSE now() END THEN opened_at + resolution END,
  CASE WHEN NOT done AND status <> 'pending' AND opened_at + resolution > now() THEN opened_at + resolution END,
  CASE WHEN status = 'pending' THEN tstzmultirange(tstzrange(last_at, NULL)) ELSE '{}' END,
  steward_terms(concat_ws(' ', number, subject, ref, array_to_string(tags, ' '), said))
  FROM named ORDER BY i
"""
_OF_TICKETS = """
INSERT INTO ticket_messages (client_id, ticket_id, is_note, author_id, contact_id, body, via, sent_at, created_at)
 SELECT t.client_id, t.id, is_note, s.author_id, s.contact_id, s.body, s.via, sent_at, sent_at FROM bench_said s
 JOIN bench_facts f USING (i) JOIN tickets t USING (number) ORDER BY i, j;
INSERT INTO ticket_watchers (client_id, ticket_id, user_id) SELECT t.client_id, t.id, m.user_id FROM bench_facts f
 JOIN tickets t USING (number) JOIN LATERAL (SELECT user_id FROM team_members WHERE team_id = f.team_id
 ORDER BY id OFFSET f.r2 % 4 LIMIT f.r3 % 3) AS m ON true ON CONFLICT DO NOTHING;
INSERT INTO ticket_links (client_id, ticket_id, other_client_id, other_id, kind)
 SELECT t.client_id, t.id, o.client_id, o.id, (ARRAY['related', 'duplicate', 'blocks', 'caused_by'])[1 + f.r1 % 4]
 FROM bench_facts f JOIN tickets t USING (number) JOIN tickets o ON o.number = f.number - 2000
 AND o.client_id = t.client_id WHERE f.i % 10 = 0;
INSERT INTO time_entries (client_id, ticket_id, user_id, minutes, spent_on) SELECT t.client_id, t.id,
 t.assignee_id, 5 + f.r1 % 90, f.opened_at::date FROM bench_facts f JOIN tickets t USING (number)
 WHERE t.assignee_id IS NOT NULL AND f.r2 % 3 = 0;
INSERT INTO attachments (client_id, ticket_id, message_id, name, sha256, size, media_type)
 SELECT m.client_id, m.ticket_id, m.id, 'note-' || f.i || '.txt', :sha256, :size, 'text/plain'
 FROM bench_facts f JOIN tickets t USING (number) JOIN LATERAL (SELECT id, client_id, ticket_id
  FROM ticket_messages WHERE ticket_id = t.id ORDER BY sent_at, id LIMIT 1) AS m ON true WHERE f.i % 12 = 0
"""


def fill(engine: Engine, rows: int = TICKETS) -> None:
    """Add a desk and ``rows`` tickets of the clients that measuring has, as the owner."""
    note = b"Nothing to read here: this file stands for many.\n"
    sha256, size = storage.put(storage.files(), io.BytesIO(note))
    with engine.begin() as connection:
        connection.execute(MARK)
        for statement in _DESK.split(";\n"):
            # Of an earlier run that did not come to its end they are there.
            connection.execute(text(f"{statement} ON CONFLICT DO NOTHING"), SIZES)
        base = connection.scalar(
            text("SELECT setval('ticket_numbers', nextval('ticket_numbers') + :rows) - :rows"),
            {"rows": rows},
        )
    values = SIZES | {"base": base, "most": rows, "sha256": sha256, "size": size}
    with click.progressbar(range(1, rows + 1, AT_ONCE), label="Tickets") as bar:
        for first in bar:
            with engine.begin() as connection:
                last = min(first + AT_ONCE - 1, rows)
                _batch(connection, values | {"first": first, "last": last})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(
            text("VACUUM ANALYZE tickets, ticket_messages, ticket_watchers, ticket_links")
        )


def _batch(connection: Connection, values: dict[str, object]) -> None:
    """Add some tickets and what hangs on them, in one transaction: all of it or nothing."""
    connection.execute(text("SET LOCAL work_mem = '64MB'"))
    connection.execute(MARK)
    _pause(connection, "DISABLE")
    for statement in (_FACTS, _SAID):
        connection.execute(text(statement), values)
    connection.execute(text("ANALYZE bench_facts, bench_said"))
    for statement in (_TICKETS, *_OF_TICKETS.split(";\n")):
        connection.execute(text(statement), values)
    # Nothing may be waiting on a table when its triggers are changed.
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    _pause(connection, "ENABLE")


def _pause(connection: Connection, verb: str) -> None:
    for table, triggers in PAUSED.items():
        for trigger in triggers:
            connection.execute(text(f"ALTER TABLE {table} {verb} TRIGGER {trigger}"))
