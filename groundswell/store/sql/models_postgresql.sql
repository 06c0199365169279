-- What happened to models is append-only, and the database says so itself. Revision 0006.

-- name: refuse
CREATE FUNCTION model_events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the history of models is append-only';
END
$$;

-- name: no_change
CREATE TRIGGER model_events_keep_rows BEFORE UPDATE OR DELETE ON model_events
FOR EACH ROW EXECUTE FUNCTION model_events_refuse();

-- name: no_truncate
CREATE TRIGGER model_events_keep_all BEFORE TRUNCATE ON model_events
FOR EACH STATEMENT EXECUTE FUNCTION model_events_refuse();
