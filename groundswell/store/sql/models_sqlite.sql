-- What happened to models is append-only, and the database says so itself. Revision 0006.

-- name: no_update
CREATE TRIGGER model_events_keep_rows_on_update BEFORE UPDATE ON model_events
BEGIN
  SELECT RAISE(ABORT, 'the history of models is append-only');
END;

-- name: no_delete
CREATE TRIGGER model_events_keep_rows_on_delete BEFORE DELETE ON model_events
BEGIN
  SELECT RAISE(ABORT, 'the history of models is append-only');
END;
