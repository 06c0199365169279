-- What colleagues did is append-only, and the database says so itself. Revision 0009.

-- name: refuse
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only';
END
$$;

-- name: no_change
CREATE TRIGGER audit_keep_rows BEFORE UPDATE OR DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION audit_refuse();

-- name: no_truncate
CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
