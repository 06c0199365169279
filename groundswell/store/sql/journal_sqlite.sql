-- The journal is append-only, and the database says so itself. Revision 0001.

-- name: no_update
CREATE TRIGGER journal_keeps_rows_on_update BEFORE UPDATE ON journal
BEGIN
  SELECT RAISE(ABORT, 'the journal is append-only');
END;

-- name: no_delete
CREATE TRIGGER journal_keeps_rows_on_delete BEFORE DELETE ON journal
BEGIN
  SELECT RAISE(ABORT, 'the journal is append-only');
END;
