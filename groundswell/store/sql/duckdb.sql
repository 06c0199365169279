-- The default warehouse: one DuckDB file.

-- name: settings
SET TimeZone = 'UTC';
SET wal_autocheckpoint = '32MB';

-- name: tables
-- Ids are random text: the best compression finds a fifth, and looking for it costs as much CPU as
-- a fifth of the append.
CREATE TABLE IF NOT EXISTS store_state (store_id VARCHAR NOT NULL, layout INTEGER NOT NULL, changes BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS actors (
  actor INTEGER NOT NULL, user_id VARCHAR, anonymous_id VARCHAR, account_id VARCHAR,
  first_at TIMESTAMPTZ NOT NULL, digest BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS event_names (event_id INTEGER NOT NULL, event VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS events (
  source VARCHAR NOT NULL,
  message_id VARCHAR USING COMPRESSION uncompressed NOT NULL,
  actor INTEGER NOT NULL,
  event_id INTEGER NOT NULL,
  occurred_at TIMESTAMPTZ NOT NULL,
  received_at TIMESTAMPTZ NOT NULL,
  properties VARCHAR,
  digest BIGINT NOT NULL
);
CREATE OR REPLACE VIEW events_named AS
SELECT e.source, e.message_id, a.user_id, a.anonymous_id, a.account_id, n.event, e.occurred_at, e.received_at, e.properties
FROM events AS e
JOIN actors AS a ON a.actor = e.actor
JOIN event_names AS n ON n.event_id = e.event_id;

-- name: stored_like
SELECT source, message_id FROM events SEMI JOIN batch_digests USING (digest);

-- name: stored_like_since
SELECT source, message_id FROM events SEMI JOIN batch_digests USING (digest) WHERE received_at >= $since;

-- name: stored_actors
-- The digest finds, the ids decide. They are compared with OR and not with IS NOT DISTINCT FROM,
-- which would be taken for a join key and hashed.
SELECT b.ordinal, a.actor, a.first_at
FROM batch_actors AS b
JOIN actors AS a
  ON a.digest = b.digest
  AND (a.user_id = b.user_id OR (a.user_id IS NULL AND b.user_id IS NULL))
  AND (a.anonymous_id = b.anonymous_id OR (a.anonymous_id IS NULL AND b.anonymous_id IS NULL))
  AND (a.account_id = b.account_id OR (a.account_id IS NULL AND b.account_id IS NULL));

-- name: lower_first_at
UPDATE actors SET first_at = b.first_at FROM batch_actors AS b WHERE b.actor = actors.actor;

-- name: actors
SELECT actor, user_id, anonymous_id, account_id, first_at FROM actors ORDER BY actor;

-- name: event_names
SELECT event FROM event_names ORDER BY event_id;

-- name: texts
SELECT c.table_name, c.column_name
FROM information_schema.columns AS c
JOIN information_schema.tables AS t USING (table_catalog, table_schema, table_name)
WHERE t.table_type = 'BASE TABLE' AND c.data_type = 'VARCHAR' AND c.table_schema = 'main'
ORDER BY c.table_name, c.column_name;

-- name: event_counts
SELECT n.event, count(*) AS events
FROM events AS e
JOIN event_names AS n ON n.event_id = e.event_id
GROUP BY n.event
ORDER BY n.event;
