-- What colleagues did is append-only, and the database says so itself. Revision 0009.

-- name: no_update
CREATE TRIGGER audit_keep_rows_on_update BEFORE UPDATE ON audit
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- name: no_delete
CREATE TRIGGER audit_keep_rows_on_delete BEFORE DELETE ON audit
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;
