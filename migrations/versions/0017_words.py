"""Identifiers are found: whatever is no letter or digit separates words, and words keep their places for phrases.

The words of all tickets are made anew (200,000 tickets with 600,000 messages take two minutes), those of assets and
people with their tables.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# To the parser of the text search "srv-01.example.com" is one word, and "SV-1088" has the number -1088. Letters other
# than ASCII it knows better than a list of ours; what separates words among them, it separates.
TERMS = r"""
CREATE FUNCTION steward_terms(said text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT pg_catalog.to_tsvector('pg_catalog.simple'::pg_catalog.regconfig,
    pg_catalog.translate(said, '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', '                                '))
$$;

-- Of an asset: what it is called, then the values of its attributes.
CREATE FUNCTION steward_asset_terms(called text, attributes jsonb) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN steward_terms(concat_ws(' ', called, (SELECT string_agg(value #>> '{}', ' ') FROM jsonb_each(attributes)
    WHERE jsonb_typeof(value) IN ('string', 'number'))));
END $$;
"""

# Places beyond the 16,383rd word are not kept: there words are found, but no phrases.
WORDS = r"""
CREATE OR REPLACE FUNCTION keep_ticket() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = {path} AS $$
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
    NEW.search := {made}concat_ws(' ', NEW.number, NEW.subject, NEW.external_ref,
      array_to_string(NEW.tags, ' ')){end};
  ELSIF (NEW.subject, NEW.tags, NEW.external_ref) IS DISTINCT FROM (OLD.subject, OLD.tags, OLD.external_ref) THEN
    NEW.search := steward_ticket_words(NEW.id, concat_ws(' ', NEW.number, NEW.subject, NEW.external_ref,
      array_to_string(NEW.tags, ' ')));
  END IF;
  RETURN NEW;
END $$;

-- Words, and more of them; a tsvector holds no more than a megabyte, and what is beyond that is not found.
CREATE OR REPLACE FUNCTION steward_words(words tsvector, more text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE SET search_path = {path} AS $$
BEGIN
  RETURN {joined};
EXCEPTION WHEN program_limit_exceeded THEN
  RETURN words;
END $$;

-- What a ticket names itself, and what its messages say. Of endless ones the beginning.
CREATE OR REPLACE FUNCTION steward_ticket_words(ticket bigint, own text) RETURNS tsvector
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = {path} AS $$
  SELECT steward_words({made}own{end}, left(coalesce(
    (SELECT string_agg(body, ' ' ORDER BY id) FROM ticket_messages WHERE ticket_id = ticket), ''), 200000))
$$;

CREATE OR REPLACE FUNCTION add_message_words() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {path} AS $$
BEGIN
  UPDATE tickets t SET search = steward_words(t.search, fresh.words)
    FROM (SELECT ticket_id, left(string_agg(body, ' ' ORDER BY id), 100000) AS words FROM after GROUP BY 1) AS fresh
   WHERE t.id = fresh.ticket_id AND length(t.search) < 20000;
  RETURN NULL;
END $$;
"""
PATH = "pg_catalog, public, pg_temp"
NEW = {"path": PATH, "made": "steward_terms(", "end": ")", "joined": "words || steward_terms(more)"}
OLD = {
    "path": PATH,
    "made": "strip(to_tsvector('simple', ",
    "end": "))",
    "joined": "strip(words || to_tsvector('simple', more))",
}

# As a new table with new indexes: to update all rows takes three times as long, and leaves a table twice the size.
REFRESH = """
ALTER TABLE tickets ALTER COLUMN search TYPE tsvector USING steward_ticket_words(id,
  concat_ws(' ', number, subject, external_ref, array_to_string(tags, ' ')));
ANALYZE tickets (search)
"""

COMPUTED = {
    "assets": (
        "steward_asset_terms(tag || ' ' || serial || ' ' || name || ' ' || manufacturer || ' ' || model, attributes)",
        "to_tsvector('simple', translate(tag || ' ' || serial, '-._/:', '     ') || ' ' || tag || ' ' || serial || ' '"
        " || name || ' ' || manufacturer || ' ' || model)"
        " || jsonb_to_tsvector('simple', attributes, '[\"string\", \"numeric\"]')",
    ),
    "users": (
        "steward_terms(name || ' ' || email)",
        "to_tsvector('simple', name || ' ' || translate(email, '@._-+', '     '))",
    ),
}


def _compute(which: int) -> None:
    """Make the columns of assets and people anew; to change what computes one, PostgreSQL 15 knows no other way."""
    for table, expressions in COMPUTED.items():
        op.drop_column(table, "search")  # and its index
        search = sa.Computed(expressions[which], persisted=True)
        op.add_column(table, sa.Column("search", postgresql.TSVECTOR(), search, nullable=table == "assets"))
        op.create_index(f"ix_{table}_search", table, ["search"], postgresql_using="gin")
        op.execute(f"ANALYZE {table} (search)")


def upgrade() -> None:
    """Make words the new way, and those that there are."""
    op.execute(TERMS)
    op.execute(WORDS.format(**NEW))
    op.execute(REFRESH)
    _compute(0)


def downgrade() -> None:
    """Make them the old way again."""
    _compute(1)
    op.execute(WORDS.format(**OLD))
    op.execute(REFRESH)
    op.execute("DROP FUNCTION steward_asset_terms(text, jsonb), steward_terms(text)")
