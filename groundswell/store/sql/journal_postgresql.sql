-- The journal is append-only, and the database says so itself. Revision 0001.

-- name: refuse
CREATE FUNCTION journal_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the journal is append-only';
END
$$;

-- name: no_change
CREATE TRIGGER journal_keeps_rows BEFORE UPDATE OR DELETE ON journal
FOR EACH ROW EXECUTE FUNCTION journal_refuse();

-- name: no_truncate
CREATE TRIGGER journal_keeps_all BEFORE TRUNCATE ON journal
FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse();
