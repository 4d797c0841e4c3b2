"""Tickets, what is said on them, and the desk that works on them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# In the order in which they are made.
TABLES = [
    "business_hours",
    "teams",
    "ticket_priority_rules",
    "ticket_transitions",
    "business_spans",
    "canned_replies",
    "holidays",
    "team_members",
    "team_shifts",
    "ticket_transition_roles",
    "contacts",
    "sla_policies",
    "sla_targets",
    "tickets",
    "ticket_drafts",
    "ticket_links",
    "ticket_merges",
    "ticket_messages",
    "ticket_presence",
    "ticket_watchers",
    "time_entries",
]
# Which columns count as a change of the business; '' stands for all. What triggers and clocks keep does not.
AUDITED = {
    "business_hours": "",
    "business_spans": "",
    "holidays": "",
    "teams": "",
    "team_members": "",
    "team_shifts": "",
    "sla_policies": "",
    "sla_targets": "",
    "canned_replies": "",
    "contacts": "",
    "ticket_transitions": "",
    "ticket_transition_roles": "",
    "tickets": "OF number, subject, kind, status, priority, impact, urgency, priority_reason, client_id, project_id,"
    " asset_id, requester_user_id, requester_contact_id, assignee_id, team_id, tags, resolution, opened_at,"
    " responded_at, resolved_at, closed_at, reopened, merged_into_id, external_ref, sla_policy_id, response_due_at,"
    " resolution_due_at, response_warned_at, resolution_warned_at, response_breached_at, resolution_breached_at",
    "ticket_messages": "",
    "ticket_watchers": "",
    "ticket_links": "",
    "ticket_merges": "",
    "time_entries": "",
}
OF_TICKET = ("ticket_messages", "ticket_watchers", "time_entries", "ticket_presence")

STATUSES = ("new", "open", "pending", "on_hold", "resolved", "closed")
ALLOWED = {
    "new": ("open", "pending", "on_hold", "resolved"),
    "open": ("pending", "on_hold", "resolved"),
    "pending": ("open", "on_hold", "resolved"),
    "on_hold": ("open", "pending", "resolved"),
    "resolved": ("open", "closed"),
    "closed": ("open",),
}
# Impact down, urgency across: high, medium, low (as ITIL's matrix has it).
PRIORITIES = {
    "high": ("urgent", "high", "normal"),
    "medium": ("high", "normal", "low"),
    "low": ("normal", "low", "low"),
}

RULES = r"""
-- Numbers stay; the priority is what impact and urgency give, unless there is a reason; words for the search.
CREATE FUNCTION keep_ticket() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.number <> OLD.number THEN
    RAISE EXCEPTION 'a ticket keeps its number'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ticket_number';
  END IF;
  IF btrim(NEW.priority_reason) = '' AND NEW.priority IS DISTINCT FROM
     (SELECT priority FROM ticket_priority_rules WHERE impact = NEW.impact AND urgency = NEW.urgency) THEN
    RAISE EXCEPTION 'another priority than impact and urgency give needs a reason'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'priority_reason';
  END IF;
  IF TG_OP = 'INSERT' THEN
    NEW.search := strip(to_tsvector('simple', concat_ws(' ', NEW.number, NEW.subject, NEW.external_ref,
      array_to_string(NEW.tags, ' '))));
  ELSIF (NEW.subject, NEW.tags, NEW.external_ref) IS DISTINCT FROM (OLD.subject, OLD.tags, OLD.external_ref) THEN
    NEW.search := steward_ticket_words(NEW.id, concat_ws(' ', NEW.number, NEW.subject, NEW.external_ref,
      array_to_string(NEW.tags, ' ')));
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_ticket BEFORE INSERT
  OR UPDATE OF number, priority, impact, urgency, priority_reason, subject, tags, external_ref ON tickets
  FOR EACH ROW EXECUTE FUNCTION keep_ticket();

-- Words, and more of them; a tsvector holds no more than a megabyte, and what is beyond that is not found.
CREATE FUNCTION steward_words(words tsvector, more text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE SET search_path = public AS $$
BEGIN
  RETURN strip(words || to_tsvector('simple', more));
EXCEPTION WHEN program_limit_exceeded THEN
  RETURN words;
END $$;

-- What a ticket names itself, and what its messages say. Of endless ones the beginning.
CREATE FUNCTION steward_ticket_words(ticket bigint, own text) RETURNS tsvector
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT steward_words(strip(to_tsvector('simple', own)), left(coalesce(
    (SELECT string_agg(body, ' ' ORDER BY id) FROM ticket_messages WHERE ticket_id = ticket), ''), 200000))
$$;
REVOKE ALL ON FUNCTION steward_ticket_words(bigint, text) FROM PUBLIC;

CREATE FUNCTION add_message_words() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  UPDATE tickets t SET search = steward_words(t.search, fresh.words)
    FROM (SELECT ticket_id, left(string_agg(body, ' '), 100000) AS words FROM after GROUP BY 1) AS fresh
   WHERE t.id = fresh.ticket_id AND length(t.search) < 20000;
  RETURN NULL;
END $$;
CREATE TRIGGER add_words AFTER INSERT ON ticket_messages REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION add_message_words();

CREATE FUNCTION move_message_words() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  UPDATE tickets t SET search = steward_ticket_words(t.id, concat_ws(' ', number, subject, external_ref,
      array_to_string(tags, ' ')))
   WHERE t.id IN (
     SELECT unnest(ARRAY[a.ticket_id, b.ticket_id]) FROM after a JOIN before b USING (id)
      WHERE a.ticket_id <> b.ticket_id OR a.body <> b.body);
  RETURN NULL;
END $$;
CREATE TRIGGER move_words AFTER UPDATE ON ticket_messages REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION move_message_words();

CREATE FUNCTION drop_message_words() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  UPDATE tickets t SET search = steward_ticket_words(t.id, concat_ws(' ', number, subject, external_ref,
      array_to_string(tags, ' ')))
   WHERE t.id IN (SELECT ticket_id FROM before);
  RETURN NULL;
END $$;
CREATE TRIGGER drop_words AFTER DELETE ON ticket_messages REFERENCING OLD TABLE AS before
  FOR EACH STATEMENT EXECUTE FUNCTION drop_message_words();

-- Only allowed changes of status, by those who may. A merge closes, and undoing one goes back to whatever it was; so
-- does undoing a request that was the last to change this status, not a day ago, by the same person. Imports bring
-- what happened elsewhere.
CREATE FUNCTION keep_ticket_transition() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE rule record; me bigint := nullif(current_setting('app.user_id', true), '')::bigint;
BEGIN
  IF NEW.merged_into_id IS DISTINCT FROM OLD.merged_into_id
     OR (me IS NULL AND current_setting('app.imports', true) = '1') THEN
    RETURN NEW;
  END IF;
  IF nullif(current_setting('app.undoes', true), '') IS NOT NULL AND (
      SELECT CASE WHEN request_id = current_setting('app.undoes') AND actor_id = me THEN changes->'status' END
        FROM audit_event
       WHERE object_type = 'ticket' AND object_id = OLD.id AND recorded_at > now() - interval '1 day'
         AND outcome = 'ok' AND changes ? 'status'
       ORDER BY recorded_at DESC, id DESC LIMIT 1) = jsonb_build_array(NEW.status, OLD.status) THEN
    RETURN NEW;
  END IF;
  SELECT id, is_allowed INTO rule FROM ticket_transitions
   WHERE from_status = OLD.status AND to_status = NEW.status;
  IF rule.is_allowed IS NOT TRUE THEN
    RAISE EXCEPTION 'a ticket that is % does not become %', OLD.status, NEW.status
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ticket_transition';
  END IF;
  IF me IS NOT NULL AND EXISTS (SELECT FROM ticket_transition_roles WHERE transition_id = rule.id)
     AND NOT EXISTS (SELECT FROM ticket_transition_roles r JOIN user_roles u USING (role_id)
                      WHERE r.transition_id = rule.id AND u.user_id = me) THEN
    RAISE EXCEPTION 'none of your roles makes a ticket that is % become %', OLD.status, NEW.status
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ticket_transition_role';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_transition BEFORE UPDATE OF status ON tickets
  FOR EACH ROW WHEN (NEW.status <> OLD.status) EXECUTE FUNCTION keep_ticket_transition();

-- Asset, contact and target of a merge are of the ticket's client when they are chosen; later an asset may go to
-- another one. After the row and before the keys (by its name): what is out of sight and what does not exist are
-- refused alike.
CREATE FUNCTION keep_ticket_apart() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE wrong text;
BEGIN
  IF NEW.asset_id IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.asset_id IS DISTINCT FROM OLD.asset_id)
     AND NOT EXISTS (SELECT FROM assets WHERE id = NEW.asset_id AND client_id = NEW.client_id) THEN
    wrong := 'fk_tickets_asset_id_assets';
  ELSIF NEW.requester_contact_id IS NOT NULL
     AND (TG_OP = 'INSERT' OR NEW.requester_contact_id IS DISTINCT FROM OLD.requester_contact_id)
     AND NOT EXISTS (SELECT FROM contacts WHERE id = NEW.requester_contact_id AND client_id = NEW.client_id) THEN
    wrong := 'fk_tickets_requester_contact_id_contacts';
  ELSIF NEW.sla_policy_id IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.sla_policy_id IS DISTINCT FROM OLD.sla_policy_id)
     AND NOT EXISTS (SELECT FROM sla_policies WHERE id = NEW.sla_policy_id
                        AND (client_id IS NULL OR client_id = NEW.client_id)) THEN
    wrong := 'fk_tickets_sla_policy_id_sla_policies';
  ELSIF NEW.merged_into_id IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.merged_into_id IS DISTINCT FROM OLD.merged_into_id)
     AND NOT EXISTS (SELECT FROM tickets WHERE id = NEW.merged_into_id AND client_id = NEW.client_id) THEN
    wrong := 'fk_tickets_merged_into_id_tickets';
  ELSIF NEW.merged_into_id IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.merged_into_id IS DISTINCT FROM OLD.merged_into_id)
     AND (SELECT status FROM tickets WHERE id = NEW.merged_into_id FOR SHARE) = 'closed'
     AND current_setting('app.imports', true) IS DISTINCT FROM '1' THEN
    RAISE EXCEPTION 'nothing is merged into a closed ticket'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'merged_into_closed';
  END IF;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'this client has none such' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = wrong;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER "A_same_client" AFTER INSERT
  OR UPDATE OF asset_id, requester_contact_id, sla_policy_id, merged_into_id ON tickets
  FOR EACH ROW EXECUTE FUNCTION keep_ticket_apart();

-- So are who wrote a message and the ticket it was written on, when it is said; whoever asked may have stayed with
-- the client that the ticket had.
CREATE FUNCTION keep_message_apart() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE wrong text;
BEGIN
  IF NEW.contact_id IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.contact_id IS DISTINCT FROM OLD.contact_id)
     AND NOT EXISTS (SELECT FROM contacts WHERE id = NEW.contact_id AND client_id = NEW.client_id)
     AND NOT EXISTS (SELECT FROM tickets WHERE id = NEW.ticket_id AND client_id = NEW.client_id
                        AND requester_contact_id = NEW.contact_id) THEN
    wrong := 'fk_ticket_messages_contact_id_contacts';
  ELSIF NEW.origin_id IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.origin_id IS DISTINCT FROM OLD.origin_id)
     AND NOT EXISTS (SELECT FROM tickets WHERE id = NEW.origin_id AND client_id = NEW.client_id) THEN
    wrong := 'fk_ticket_messages_origin_id_tickets';
  END IF;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'this client has none such' USING ERRCODE = 'foreign_key_violation', CONSTRAINT = wrong;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER "A_same_client" AFTER INSERT OR UPDATE OF contact_id, origin_id ON ticket_messages
  FOR EACH ROW WHEN (num_nonnulls(NEW.contact_id, NEW.origin_id) > 0) EXECUTE FUNCTION keep_message_apart();

-- An open ticket hangs on a live client and project. After the row, as above.
CREATE FUNCTION keep_ticket_alive() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE gone boolean;
BEGIN
  IF NOT NEW.is_open THEN RETURN NULL; END IF;
  SELECT deleted_at IS NOT NULL INTO gone FROM clients WHERE id = NEW.client_id FOR SHARE;
  IF gone IS NOT TRUE AND NEW.project_id IS NOT NULL THEN
    SELECT deleted_at IS NOT NULL INTO gone FROM projects
     WHERE client_id = NEW.client_id AND id = NEW.project_id FOR SHARE;
  END IF;
  IF gone THEN
    RAISE EXCEPTION 'what it belongs to is deleted'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'parent_deleted';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER keep_alive AFTER INSERT OR UPDATE OF client_id, project_id, status ON tickets
  FOR EACH ROW EXECUTE FUNCTION keep_ticket_alive();

-- Who looks is told what changed, when the transaction stands; of very many that there was something.
CREATE FUNCTION tell_ticket_changes() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
  IF (SELECT count(*) FROM (SELECT FROM after LIMIT 101) AS few) > 100 THEN
    PERFORM pg_notify('steward_live', '{"topic": "tickets"}');
  ELSE
    PERFORM pg_notify('steward_live', json_build_object('topic', 'ticket', 'id', id, 'number', number,
      'client', client_id, 'project', project_id, 'new', TG_OP = 'INSERT')::text) FROM after;
  END IF;
  IF TG_OP = 'UPDATE' THEN  -- those whom it leaves, too
    PERFORM pg_notify('steward_live', json_build_object('topic', 'ticket', 'id', b.id, 'number', b.number,
      'client', b.client_id, 'project', b.project_id, 'new', false)::text)
      FROM before b JOIN after a USING (id)
     WHERE (a.client_id, a.project_id) IS DISTINCT FROM (b.client_id, b.project_id) LIMIT 100;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER tell_new AFTER INSERT ON tickets REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION tell_ticket_changes();
CREATE TRIGGER tell_changed AFTER UPDATE ON tickets REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION tell_ticket_changes();
"""
FUNCTIONS = (
    "keep_ticket()",
    "steward_ticket_words(bigint, text)",
    "steward_words(tsvector, text)",
    "add_message_words()",
    "move_message_words()",
    "drop_message_words()",
    "keep_ticket_transition()",
    "keep_ticket_apart()",
    "keep_message_apart()",
    "keep_ticket_alive()",
    "tell_ticket_changes()",
)

# What holds live assets or open tickets, or is held, is not deleted from under them.
OCCUPIED = """
CREATE OR REPLACE FUNCTION refuse_occupied() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  IF NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL AND (CASE TG_TABLE_NAME
    WHEN 'clients' THEN EXISTS (SELECT FROM assets WHERE client_id = NEW.id AND deleted_at IS NULL){clients}
    WHEN 'projects' THEN EXISTS (SELECT FROM assets WHERE project_id = NEW.id AND deleted_at IS NULL){projects}
    WHEN 'asset_types' THEN EXISTS (SELECT FROM assets WHERE type_id = NEW.id AND deleted_at IS NULL){teams}
    ELSE EXISTS (SELECT FROM asset_custody WHERE holder_location_id = NEW.id AND returned_at IS NULL) END)
  THEN
    RAISE EXCEPTION 'something still belongs to it'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'still_occupied';
  END IF;
  RETURN NEW;
END $$;
"""
WITH_TICKETS = {
    "clients": " OR EXISTS (SELECT FROM tickets WHERE client_id = NEW.id AND is_open)",
    "projects": " OR EXISTS (SELECT FROM tickets WHERE project_id = NEW.id AND is_open)",
    "teams": "\n    WHEN 'teams' THEN EXISTS (SELECT FROM tickets WHERE team_id = NEW.id AND is_open)",
}

# A person scoped to a project sees what hangs on its tickets. Without SELECT the scope might be asked for with each row.
SCOPE = """
CREATE FUNCTION steward_tickets_in_scope() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT coalesce(array_agg(id), '{}') FROM tickets WHERE project_id = ANY ((SELECT steward_scope('project'))::bigint[])
$$;

-- Full text under a policy would scan: @@ is not leakproof. This filters by scope itself, with the index. No more than
-- "most", since what nearly every row has is found faster by walking through them in order.
CREATE FUNCTION steward_find_tickets(query tsquery, most integer) RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public SET enable_seqscan = off AS $$
  WITH mine AS MATERIALIZED (SELECT steward_scope('client') AS clients, steward_scope('project') AS projects)
  SELECT coalesce(array_agg(id), '{}') FROM (
    SELECT t.id FROM tickets t, mine
     WHERE t.search @@ query AND (t.client_id = ANY (mine.clients) OR t.project_id = ANY (mine.projects)) LIMIT most
  ) AS found
$$;

-- The same for those whom no policy holds back. The planner takes the beginning of a rare word for a frequent one, and
-- would read all rows.
CREATE FUNCTION steward_match_tickets(query tsquery, most integer) RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = public SET enable_seqscan = off AS $$
  SELECT coalesce(array_agg(id), '{}') FROM (SELECT id FROM tickets WHERE search @@ query LIMIT most) AS found
$$;

-- Open tickets for the tree, as steward_count_assets counts assets.
CREATE FUNCTION steward_count_tickets(wanted bigint[]) RETURNS TABLE (client_id bigint, project_id bigint, n bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  WITH mine AS MATERIALIZED (SELECT steward_scope('client') AS clients, steward_scope('project') AS projects)
  SELECT t.client_id, t.project_id, count(*) FROM tickets t WHERE t.is_open
     AND t.client_id = ANY (ARRAY(SELECT unnest(wanted) INTERSECT SELECT unnest(clients) FROM mine)) GROUP BY 1, 2
  UNION ALL
  SELECT t.client_id, t.project_id, count(*) FROM tickets t WHERE t.is_open
     AND t.project_id = ANY (ARRAY(SELECT unnest(projects) FROM mine))
     AND t.client_id = ANY (ARRAY(SELECT unnest(wanted) EXCEPT SELECT unnest(clients) FROM mine)) GROUP BY 1, 2
$$;
"""
IN_CLIENTS = "client_id = ANY ((SELECT steward_scope('client'))::bigint[])"
OF_PROJECT = "client_id = ANY ((SELECT steward_scope('client of project'))::bigint[])"
IN_TICKETS = "= ANY ((SELECT steward_tickets_in_scope())::bigint[])"
POLICIES = {
    "contacts": f"{IN_CLIENTS} OR {OF_PROJECT}",
    # Else a row could name its own project and another client, and keys would tell of that one's rows.
    "tickets": f"{IN_CLIENTS} OR (project_id = ANY ((SELECT steward_scope('project'))::bigint[]) AND {OF_PROJECT})",
    **{table: f"{IN_CLIENTS} OR (ticket_id {IN_TICKETS} AND {OF_PROJECT})" for table in OF_TICKET},
    "ticket_merges": f"{IN_CLIENTS} OR (source_id {IN_TICKETS} AND target_id {IN_TICKETS} AND {OF_PROJECT})",
    "ticket_links": f"({IN_CLIENTS} OR (ticket_id {IN_TICKETS} AND {OF_PROJECT}))"
    f" AND (other_{IN_CLIENTS} OR (other_id {IN_TICKETS} AND other_{OF_PROJECT}))",
}
OF_ALL_OR_CLIENT = f"client_id IS NULL OR {IN_CLIENTS} OR {OF_PROJECT}"
ATTACHMENTS = """
ALTER POLICY in_scope ON attachments USING (
  client_id = ANY ((SELECT steward_scope('client'))::bigint[])
  OR ((asset_id = ANY ((SELECT steward_assets_in_scope())::bigint[]){tickets})
    AND client_id = ANY ((SELECT steward_scope('client of project'))::bigint[])));
"""


def upgrade() -> None:
    """Create the tables, then what guards them."""
    op.execute("CREATE SEQUENCE ticket_numbers START 1001")
    op.create_table(
        "business_hours",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("timezone", sa.String(length=64), server_default="UTC", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_business_hours_name_not_blank")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_business_hours")),
    )
    op.create_index("uq_business_hours_name", "business_hours", [sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "teams",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_teams_name_not_blank")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
    )
    op.create_index(
        "uq_teams_name",
        "teams",
        [sa.literal_column("lower(name)")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "ticket_priority_rules",
        sa.Column(
            "impact",
            sa.Enum("high", "medium", "low", name="impact", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "urgency",
            sa.Enum("high", "medium", "low", name="urgency", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "priority",
            sa.Enum(
                "urgent", "high", "normal", "low", name="priority", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("impact", "urgency", name="pk_ticket_priority_rules"),
    )
    op.create_table(
        "ticket_transitions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "from_status",
            sa.Enum(
                "new",
                "open",
                "pending",
                "on_hold",
                "resolved",
                "closed",
                name="from_status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "to_status",
            sa.Enum(
                "new",
                "open",
                "pending",
                "on_hold",
                "resolved",
                "closed",
                name="to_status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_allowed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_transitions")),
        sa.UniqueConstraint("from_status", "to_status", name="uq_ticket_transitions_pair"),
    )
    op.create_table(
        "business_spans",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hours_id", sa.BigInteger(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("opens", sa.SmallInteger(), nullable=False),
        sa.Column("closes", sa.SmallInteger(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(hours_id * 7 + weekday, hours_id * 7 + weekday, '[]')"), "&&"),
            (sa.text("int4range(opens::integer, closes::integer)"), "&&"),
            using="gist",
            name="ex_business_spans_apart",
        ),
        sa.CheckConstraint(
            "0 <= opens AND opens < closes AND closes <= 1440", name=op.f("ck_business_spans_opens_before_it_closes")
        ),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_business_spans_weekday")),
        sa.ForeignKeyConstraint(
            ["hours_id"],
            ["business_hours.id"],
            name=op.f("fk_business_spans_hours_id_business_hours"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_business_spans")),
    )
    op.create_index("ix_business_spans_hours_id", "business_spans", ["hours_id", "weekday", "opens"], unique=False)
    op.create_table(
        "canned_replies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("shortcut", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("btrim(body) <> ''", name=op.f("ck_canned_replies_body_not_blank")),
        sa.CheckConstraint("btrim(title) <> ''", name=op.f("ck_canned_replies_title_not_blank")),
        sa.CheckConstraint("shortcut ~ '^[a-z0-9][a-z0-9-]{0,39}$'", name=op.f("ck_canned_replies_shortcut_format")),
        sa.CheckConstraint("num_nonnulls(owner_id, team_id) <= 1", name=op.f("ck_canned_replies_one_owner")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_canned_replies_owner_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_canned_replies_team_id_teams"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_replies")),
    )
    op.create_index("ix_canned_replies_team_id", "canned_replies", ["team_id"], unique=False)
    op.create_index(
        "uq_canned_replies_shortcut",
        "canned_replies",
        ["owner_id", "team_id", "shortcut"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "holidays",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hours_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["hours_id"], ["business_hours.id"], name=op.f("fk_holidays_hours_id_business_hours"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holidays")),
        sa.UniqueConstraint("hours_id", "day", name="uq_holidays_hours_day"),
    )
    op.create_table(
        "team_members",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("is_lead", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_team_members_team_id_teams"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_team_members_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_members")),
        sa.UniqueConstraint("team_id", "user_id", name="uq_team_members_team_user"),
    )
    op.create_index("ix_team_members_user_id", "team_members", ["user_id"], unique=False)
    op.create_table(
        "team_shifts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(team_id, team_id, '[]')"), "&&"),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            using="gist",
            name="ex_team_shifts_one_at_a_time",
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_team_shifts_starts_before_it_ends")),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_team_shifts_team_id_teams"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_team_shifts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_shifts")),
    )
    op.create_index("ix_team_shifts_team_id", "team_shifts", ["team_id", "starts_at"], unique=False)
    op.create_index("ix_team_shifts_user_id", "team_shifts", ["user_id"], unique=False)
    op.create_table(
        "ticket_transition_roles",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("transition_id", sa.BigInteger(), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_ticket_transition_roles_role_id_roles"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["transition_id"],
            ["ticket_transitions.id"],
            name=op.f("fk_ticket_transition_roles_transition_id_ticket_transitions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_transition_roles")),
        sa.UniqueConstraint("transition_id", "role_id", name="uq_ticket_transition_roles_pair"),
    )
    op.create_index("ix_ticket_transition_roles_role_id", "ticket_transition_roles", ["role_id"], unique=False)
    op.create_table(
        "contacts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.String(length=254), sa.Computed("lower(email)", persisted=True), nullable=False),
        sa.Column("phone", sa.String(length=60), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_contacts_name_not_blank")),
        sa.CheckConstraint("email LIKE '_%@_%' AND email = btrim(email)", name=op.f("ck_contacts_email_format")),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_contacts_client_id_clients"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_index("ix_contacts_name_id", "contacts", ["name", "id"], unique=False)
    op.create_index("uq_contacts_client_email", "contacts", ["client_id", "email_key"], unique=True)
    op.create_table(
        "sla_policies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "incident", "request", "maintenance", name="kind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
        ),
        sa.Column("hours_id", sa.BigInteger(), nullable=False),
        sa.Column("warn_percent", sa.SmallInteger(), server_default="80", nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_sla_policies_name_not_blank")),
        sa.CheckConstraint("warn_percent BETWEEN 1 AND 99", name=op.f("ck_sla_policies_warn_percent")),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_sla_policies_client_id_clients"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["hours_id"],
            ["business_hours.id"],
            name=op.f("fk_sla_policies_hours_id_business_hours"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_policies")),
    )
    op.create_index("ix_sla_policies_hours_id", "sla_policies", ["hours_id"], unique=False)
    op.create_index(
        "uq_sla_policies_scope",
        "sla_policies",
        ["client_id", "kind"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "sla_targets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("policy_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "priority",
            sa.Enum(
                "urgent", "high", "normal", "low", name="priority", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("response", sa.Integer(), nullable=True),
        sa.Column("resolution", sa.Integer(), nullable=True),
        sa.CheckConstraint("num_nonnulls(response, resolution) > 0", name=op.f("ck_sla_targets_some_target")),
        sa.CheckConstraint("resolution BETWEEN 1 AND 525600", name=op.f("ck_sla_targets_resolution_minutes")),
        sa.CheckConstraint("response BETWEEN 1 AND 525600", name=op.f("ck_sla_targets_response_minutes")),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["sla_policies.id"], name=op.f("fk_sla_targets_policy_id_sla_policies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_targets")),
        sa.UniqueConstraint("policy_id", "priority", name="uq_sla_targets_policy_priority"),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.BigInteger(), server_default=sa.text("nextval('ticket_numbers')"), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "incident", "request", "maintenance", name="kind", native_enum=False, create_constraint=True, length=32
            ),
            server_default="incident",
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "new",
                "open",
                "pending",
                "on_hold",
                "resolved",
                "closed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="new",
            nullable=False,
        ),
        sa.Column(
            "priority",
            sa.Enum(
                "urgent", "high", "normal", "low", name="priority", native_enum=False, create_constraint=True, length=32
            ),
            server_default="normal",
            nullable=False,
        ),
        sa.Column(
            "impact",
            sa.Enum("high", "medium", "low", name="impact", native_enum=False, create_constraint=True, length=32),
            server_default="medium",
            nullable=False,
        ),
        sa.Column(
            "urgency",
            sa.Enum("high", "medium", "low", name="urgency", native_enum=False, create_constraint=True, length=32),
            server_default="medium",
            nullable=False,
        ),
        sa.Column("priority_reason", sa.String(length=500), server_default="", nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("asset_id", sa.BigInteger(), nullable=True),
        sa.Column("requester_user_id", sa.BigInteger(), nullable=True),
        sa.Column("requester_contact_id", sa.BigInteger(), nullable=True),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("tags", sa.ARRAY(sa.String(length=40)), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("resolution", sa.Text(), server_default="", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("responded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopened", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merged_into_id", sa.BigInteger(), nullable=True),
        sa.Column("external_ref", sa.String(length=64), nullable=True),
        sa.Column("sla_policy_id", sa.BigInteger(), nullable=True),
        sa.Column("response_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_warn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution_warn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution_warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_breached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution_breached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sla_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pauses", postgresql.TSTZMULTIRANGE(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "is_open", sa.Boolean(), sa.Computed("status NOT IN ('resolved', 'closed')", persisted=True), nullable=False
        ),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            sa.Computed(
                "CASE WHEN status IN ('pending', 'resolved', 'closed') THEN NULL WHEN responded_at IS NULL THEN least(response_due_at, resolution_due_at) ELSE resolution_due_at END",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column(
            "priority_rank",
            sa.SmallInteger(),
            sa.Computed(
                "CASE priority WHEN 'urgent' THEN 1 WHEN 'high' THEN 2 WHEN 'normal' THEN 3 ELSE 4 END", persisted=True
            ),
            nullable=False,
        ),
        sa.Column("search", postgresql.TSVECTOR(), server_default=sa.text("''"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(closed_at IS NOT NULL) = (status = 'closed')", name=op.f("ck_tickets_closed_at")),
        sa.CheckConstraint(
            "(resolved_at IS NOT NULL) = (status IN ('resolved', 'closed'))", name=op.f("ck_tickets_resolved_at")
        ),
        sa.CheckConstraint("btrim(subject) <> ''", name=op.f("ck_tickets_subject_not_blank")),
        sa.CheckConstraint("merged_into_id IS NULL OR status = 'closed'", name=op.f("ck_tickets_merged_is_closed")),
        sa.CheckConstraint(
            "status NOT IN ('resolved', 'closed') OR btrim(resolution) <> '' OR merged_into_id IS NOT NULL",
            name=op.f("ck_tickets_resolution_given"),
        ),
        sa.CheckConstraint("cardinality(tags) <= 30", name=op.f("ck_tickets_tags_few")),
        sa.CheckConstraint("merged_into_id <> id", name=op.f("ck_tickets_not_merged_into_itself")),
        sa.CheckConstraint(
            "num_nonnulls(requester_user_id, requester_contact_id) <= 1", name=op.f("ck_tickets_one_requester")
        ),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name=op.f("fk_tickets_asset_id_assets"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["users.id"], name=op.f("fk_tickets_assignee_id_users"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["client_id", "project_id"],
            ["projects.client_id", "projects.id"],
            name="fk_tickets_project",
            onupdate="CASCADE",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_tickets_client_id_clients"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["tickets.id"], name=op.f("fk_tickets_merged_into_id_tickets"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["requester_contact_id"],
            ["contacts.id"],
            name=op.f("fk_tickets_requester_contact_id_contacts"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["requester_user_id"], ["users.id"], name=op.f("fk_tickets_requester_user_id_users"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["sla_policy_id"],
            ["sla_policies.id"],
            name=op.f("fk_tickets_sla_policy_id_sla_policies"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_tickets_team_id_teams"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("client_id", "id", name=op.f("uq_tickets_client_id_id")),
        sa.UniqueConstraint("number", name="uq_tickets_number"),
    )
    op.create_index("ix_tickets_asset", "tickets", ["asset_id", "updated_at", "id"], unique=False)
    op.create_index(
        "ix_tickets_assignee_due",
        "tickets",
        [
            "assignee_id",
            sa.literal_column("coalesce(due_at, '9999-12-31 00:00:00+00'::timestamp with time zone)"),
            "id",
        ],
        unique=False,
        postgresql_where=sa.text("is_open"),
    )
    op.create_index("ix_tickets_assignee_updated", "tickets", ["assignee_id", "updated_at", "id"], unique=False)
    op.create_index(
        "ix_tickets_client_due",
        "tickets",
        ["client_id", sa.literal_column("coalesce(due_at, '9999-12-31 00:00:00+00'::timestamp with time zone)"), "id"],
        unique=False,
        postgresql_where=sa.text("is_open"),
    )
    op.create_index("ix_tickets_client_updated", "tickets", ["client_id", "updated_at", "id"], unique=False)
    op.create_index(
        "ix_tickets_due",
        "tickets",
        [sa.literal_column("coalesce(due_at, '9999-12-31 00:00:00+00'::timestamp with time zone)"), "id"],
        unique=False,
    )
    op.create_index("ix_tickets_merged_into", "tickets", ["merged_into_id"], unique=False)
    op.create_index(
        "ix_tickets_open_created", "tickets", ["opened_at", "id"], unique=False, postgresql_where=sa.text("is_open")
    )
    op.create_index(
        "ix_tickets_open_due",
        "tickets",
        [sa.literal_column("coalesce(due_at, '9999-12-31 00:00:00+00'::timestamp with time zone)"), "id"],
        unique=False,
        postgresql_where=sa.text("is_open"),
    )
    op.create_index(
        "ix_tickets_open_number",
        "tickets",
        ["number", "id"],
        unique=False,
        postgresql_where=sa.text("is_open"),
    )
    op.create_index(
        "ix_tickets_open_priority",
        "tickets",
        ["priority_rank", "id"],
        unique=False,
        postgresql_where=sa.text("is_open"),
    )
    op.create_index(
        "ix_tickets_open_updated", "tickets", ["updated_at", "id"], unique=False, postgresql_where=sa.text("is_open")
    )
    op.create_index("ix_tickets_opened_id", "tickets", ["opened_at", "id"], unique=False)
    op.create_index("ix_tickets_priority_id", "tickets", ["priority_rank", "id"], unique=False)
    op.create_index(
        "ix_tickets_project_due",
        "tickets",
        ["project_id", sa.literal_column("coalesce(due_at, '9999-12-31 00:00:00+00'::timestamp with time zone)"), "id"],
        unique=False,
        postgresql_where=sa.text("is_open"),
    )
    op.create_index("ix_tickets_project_updated", "tickets", ["project_id", "updated_at", "id"], unique=False)
    op.create_index(
        "ix_tickets_requester_contact", "tickets", ["requester_contact_id", "updated_at", "id"], unique=False
    )
    op.create_index("ix_tickets_requester_user", "tickets", ["requester_user_id", "updated_at", "id"], unique=False)
    op.create_index(
        "ix_tickets_resolved_at",
        "tickets",
        ["resolved_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'resolved'"),
    )
    op.create_index("ix_tickets_search", "tickets", ["search"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_tickets_sla_check",
        "tickets",
        ["sla_check_at", "id"],
        unique=False,
        postgresql_where=sa.text("sla_check_at IS NOT NULL"),
    )
    op.create_index("ix_tickets_sla_policy_id", "tickets", ["sla_policy_id"], unique=False)
    op.create_index(
        "ix_tickets_status_due",
        "tickets",
        ["status", sa.literal_column("coalesce(due_at, '9999-12-31 00:00:00+00'::timestamp with time zone)"), "id"],
        unique=False,
    )
    op.create_index("ix_tickets_status_updated", "tickets", ["status", "updated_at", "id"], unique=False)
    op.create_index(
        "ix_tickets_count", "tickets", ["client_id", "project_id"], unique=False, postgresql_where=sa.text("is_open")
    )
    op.create_index("ix_tickets_tags", "tickets", ["tags"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_tickets_team_due",
        "tickets",
        ["team_id", sa.literal_column("coalesce(due_at, '9999-12-31 00:00:00+00'::timestamp with time zone)"), "id"],
        unique=False,
        postgresql_where=sa.text("is_open"),
    )
    op.create_index("ix_tickets_team_updated", "tickets", ["team_id", "updated_at", "id"], unique=False)
    op.create_index("ix_tickets_updated_id", "tickets", ["updated_at", "id"], unique=False)
    op.create_index("uq_tickets_external_ref", "tickets", ["client_id", "external_ref"], unique=True)
    op.create_table(
        "ticket_drafts",
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("is_note", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_drafts_ticket_id_tickets"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_ticket_drafts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ticket_id", "user_id", "is_note", name="pk_ticket_drafts"),
    )
    op.create_index("ix_ticket_drafts_user_id", "ticket_drafts", ["user_id"], unique=False)
    op.create_table(
        "ticket_links",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("other_client_id", sa.BigInteger(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "duplicate",
                "blocks",
                "caused_by",
                "related",
                name="linkkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="related",
            nullable=False,
        ),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("ticket_id <> other_id", name=op.f("ck_ticket_links_not_to_itself")),
        sa.ForeignKeyConstraint(
            ["client_id", "ticket_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_ticket_links_ticket",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name=op.f("fk_ticket_links_created_by_id_users"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["other_client_id", "other_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_ticket_links_other",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_links")),
    )
    op.create_index("ix_ticket_links_other_id", "ticket_links", ["other_id"], unique=False)
    op.create_index("ix_ticket_links_ticket_id", "ticket_links", ["ticket_id"], unique=False)
    op.create_index(
        "uq_ticket_links_pair",
        "ticket_links",
        [
            sa.literal_column("least(ticket_id, other_id)"),
            sa.literal_column("greatest(ticket_id, other_id)"),
            "kind",
            sa.literal_column("least(client_id, other_client_id)"),
            sa.literal_column("greatest(client_id, other_client_id)"),
        ],
        unique=True,
    )
    op.create_table(
        "ticket_merges",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("moved", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("merged_by_id", sa.BigInteger(), nullable=True),
        sa.Column("merged_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("source_id <> target_id", name=op.f("ck_ticket_merges_not_into_itself")),
        sa.ForeignKeyConstraint(
            ["client_id", "source_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_ticket_merges_source",
            onupdate="CASCADE",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["client_id", "target_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_ticket_merges_target",
            onupdate="CASCADE",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merged_by_id"], ["users.id"], name=op.f("fk_ticket_merges_merged_by_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_merges")),
    )
    op.create_index("ix_ticket_merges_client_id", "ticket_merges", ["client_id"], unique=False)
    op.create_index("ix_ticket_merges_target_id", "ticket_merges", ["target_id"], unique=False)
    op.create_index(
        "uq_ticket_merges_source",
        "ticket_merges",
        ["source_id", "client_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "ticket_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("is_note", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "via",
            sa.Enum(
                "web", "email", "system", "import", name="via", native_enum=False, create_constraint=True, length=32
            ),
            server_default="web",
            nullable=False,
        ),
        sa.Column("sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("origin_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("btrim(body) <> ''", name=op.f("ck_ticket_messages_body_not_blank")),
        sa.CheckConstraint("num_nonnulls(author_id, contact_id) <= 1", name=op.f("ck_ticket_messages_one_author")),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_ticket_messages_author_id_users"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["client_id", "ticket_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_ticket_messages_ticket",
            onupdate="CASCADE",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_ticket_messages_contact_id_contacts"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["origin_id"], ["tickets.id"], name=op.f("fk_ticket_messages_origin_id_tickets"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_messages")),
        sa.UniqueConstraint("client_id", "id", name=op.f("uq_ticket_messages_client_id_id")),
    )
    op.create_index("ix_ticket_messages_author_id", "ticket_messages", ["author_id", "id"], unique=False)
    op.create_index("ix_ticket_messages_client_id", "ticket_messages", ["client_id"], unique=False)
    op.create_index("ix_ticket_messages_ticket", "ticket_messages", ["ticket_id", "sent_at", "id"], unique=False)
    op.create_table(
        "ticket_presence",
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("typing_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id", "ticket_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_ticket_presence_ticket",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_ticket_presence_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ticket_id", "user_id", "client_id", name="pk_ticket_presence"),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_ticket_presence_seen_at", "ticket_presence", ["seen_at"], unique=False)
    op.create_table(
        "ticket_watchers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id", "ticket_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_ticket_watchers_ticket",
            onupdate="CASCADE",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_ticket_watchers_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_watchers")),
        sa.UniqueConstraint("ticket_id", "user_id", "client_id", name="uq_ticket_watchers_ticket_user"),
    )
    op.create_index("ix_ticket_watchers_client_id", "ticket_watchers", ["client_id"], unique=False)
    op.create_index("ix_ticket_watchers_user_id", "ticket_watchers", ["user_id", "ticket_id"], unique=False)
    op.create_table(
        "time_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=300), server_default="", nullable=False),
        sa.Column("spent_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("minutes BETWEEN 1 AND 1440", name=op.f("ck_time_entries_minutes_of_a_day")),
        sa.ForeignKeyConstraint(
            ["client_id", "ticket_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_time_entries_ticket",
            onupdate="CASCADE",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_time_entries_user_id_users"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_entries")),
    )
    op.create_index("ix_time_entries_client_id", "time_entries", ["client_id"], unique=False)
    op.create_index("ix_time_entries_ticket", "time_entries", ["ticket_id", "id"], unique=False)
    op.create_index("ix_time_entries_user", "time_entries", ["user_id", "spent_on"], unique=False)
    op.add_column("attachments", sa.Column("ticket_id", sa.BigInteger(), nullable=True))
    op.add_column("attachments", sa.Column("message_id", sa.BigInteger(), nullable=True))
    op.alter_column("attachments", "asset_id", existing_type=sa.BigInteger(), nullable=True)
    op.create_check_constraint("one_record", "attachments", "num_nonnulls(asset_id, ticket_id) = 1")
    op.create_check_constraint("message_of_ticket", "attachments", "message_id IS NULL OR ticket_id IS NOT NULL")
    op.create_index("ix_attachments_message", "attachments", ["message_id"], unique=False)
    op.create_index("ix_attachments_ticket", "attachments", ["ticket_id", "id"], unique=False)
    for record, table in (("ticket", "tickets"), ("message", "ticket_messages")):
        op.create_foreign_key(
            f"fk_attachments_{record}",
            "attachments",
            table,
            ["client_id", f"{record}_id"],
            ["client_id", "id"],
            onupdate="CASCADE",
            ondelete="RESTRICT",
        )
    for impact, priorities in PRIORITIES.items():
        for urgency, priority in zip(PRIORITIES, priorities, strict=True):
            op.execute(f"INSERT INTO ticket_priority_rules VALUES ('{impact}', '{urgency}', '{priority}')")
    for before in STATUSES:
        for after in STATUSES:
            if before != after:
                op.execute(
                    "INSERT INTO ticket_transitions (from_status, to_status, is_allowed)"
                    f" VALUES ('{before}', '{after}', {after in ALLOWED[before]})"
                )
    op.execute(RULES)
    op.execute(OCCUPIED.format(**WITH_TICKETS))
    op.execute(
        "CREATE TRIGGER refuse_occupied BEFORE UPDATE OF deleted_at ON teams "
        "FOR EACH ROW EXECUTE FUNCTION refuse_occupied()"
    )
    for table, columns in AUDITED.items():
        op.execute(
            f"CREATE CONSTRAINT TRIGGER must_audit AFTER INSERT OR UPDATE {columns} OR DELETE ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION must_audit()"
        )
    op.execute(SCOPE)
    for table in (*POLICIES, "sla_policies", "ticket_drafts"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY owner_all ON {table} TO CURRENT_USER USING (true)")
    for table, rule in POLICIES.items():
        op.execute(f"CREATE POLICY all_clients ON {table} TO steward_all USING (true)")
        op.execute(f"CREATE POLICY in_scope ON {table} TO steward_app USING ({rule})")
    op.execute("CREATE POLICY all_clients ON sla_policies TO steward_all USING (true)")
    op.execute(
        f"CREATE POLICY in_scope ON sla_policies TO steward_app USING ({OF_ALL_OR_CLIENT}) WITH CHECK ({IN_CLIENTS})"
    )
    op.execute(
        "CREATE POLICY own ON ticket_drafts TO steward_app, steward_all"
        " USING (user_id = nullif(current_setting('app.user_id', true), '')::bigint)"
        " WITH CHECK (user_id = nullif(current_setting('app.user_id', true), '')::bigint"
        "   AND ticket_id IN (SELECT id FROM tickets))"
    )
    op.execute(
        "CREATE POLICY of_system ON ticket_drafts TO steward_all"
        " USING (nullif(current_setting('app.user_id', true), '') IS NULL)"
    )
    op.execute(ATTACHMENTS.format(tickets=f" OR ticket_id {IN_TICKETS}"))


def downgrade() -> None:
    """Drop them again; files of tickets go with them."""
    op.execute(ATTACHMENTS.format(tickets=""))
    op.execute("DROP TRIGGER refuse_occupied ON teams")
    op.execute(OCCUPIED.format(clients="", projects="", teams=""))
    op.execute("ALTER TABLE attachments DISABLE TRIGGER must_audit")
    op.execute("DELETE FROM attachments WHERE ticket_id IS NOT NULL")
    op.execute("ALTER TABLE attachments ENABLE TRIGGER must_audit")
    for column in ("message_id", "ticket_id"):
        op.drop_column("attachments", column)
    op.alter_column("attachments", "asset_id", existing_type=sa.BigInteger(), nullable=False)
    for function in (
        "steward_find_tickets(tsquery, integer)",
        "steward_match_tickets(tsquery, integer)",
        "steward_count_tickets(bigint[])",
    ):
        op.execute(f"DROP FUNCTION {function}")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table} CASCADE")
    op.execute("DROP FUNCTION steward_tickets_in_scope()")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP SEQUENCE ticket_numbers")
