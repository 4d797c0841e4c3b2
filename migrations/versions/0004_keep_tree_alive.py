"""The guard of the tree asks only columns that its table has: clients and projects have no parent_id."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEEP_TREE_ALIVE = """
CREATE OR REPLACE FUNCTION keep_tree_alive() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE orphan boolean := false; occupied boolean := false;
BEGIN
  IF NEW.deleted_at IS NULL THEN
    IF TG_TABLE_NAME = 'locations' THEN
      IF NEW.parent_id IS NOT NULL THEN
        PERFORM FROM locations WHERE id = NEW.parent_id AND deleted_at IS NULL FOR SHARE; orphan := NOT FOUND;
      END IF;
    ELSIF TG_TABLE_NAME = 'clients' THEN
      PERFORM FROM locations WHERE id = NEW.location_id AND deleted_at IS NULL FOR SHARE; orphan := NOT FOUND;
    ELSIF TG_TABLE_NAME = 'projects' THEN
      PERFORM FROM clients WHERE id = NEW.client_id AND deleted_at IS NULL FOR SHARE; orphan := NOT FOUND;
    END IF;
  ELSIF TG_TABLE_NAME = 'locations' THEN
    occupied := EXISTS (SELECT FROM locations WHERE parent_id = NEW.id AND deleted_at IS NULL)
      OR EXISTS (SELECT FROM clients WHERE location_id = NEW.id AND deleted_at IS NULL);
  ELSIF TG_TABLE_NAME = 'clients' THEN
    occupied := EXISTS (SELECT FROM projects WHERE client_id = NEW.id AND deleted_at IS NULL);
  END IF;
  IF orphan THEN
    RAISE EXCEPTION 'what it belongs to is deleted or missing'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'parent_deleted';
  ELSIF occupied THEN
    RAISE EXCEPTION 'something still belongs to it'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'still_occupied';
  END IF;
  RETURN NEW;
END $$;
"""


def upgrade() -> None:
    """Replace the function; the triggers stay."""
    op.execute(KEEP_TREE_ALIVE)


def downgrade() -> None:
    """Nothing to take back: the function goes with the migration that made it."""
