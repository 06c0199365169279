-- The warehouse in PostgreSQL, in a schema of its own.

-- name: schema
CREATE SCHEMA IF NOT EXISTS groundswell;

-- name: store_state
CREATE TABLE IF NOT EXISTS store_state (store_id TEXT NOT NULL, layout INTEGER NOT NULL, changes BIGINT NOT NULL);

-- name: digest_index
CREATE INDEX IF NOT EXISTS events_digest_idx ON events (digest);

-- name: actor_digest_index
CREATE INDEX IF NOT EXISTS actors_digest_idx ON actors (digest);

-- name: events_named
CREATE OR REPLACE VIEW events_named AS
SELECT e.source, e.message_id, a.user_id, a.anonymous_id, a.account_id, n.event, e.occurred_at, e.received_at, e.properties
FROM events AS e
JOIN actors AS a ON a.actor = e.actor
JOIN event_names AS n ON n.event_id = e.event_id;

-- name: one_at_a_time
-- Two appends at once would not see each other's rows; the second waits for the first.
SELECT pg_advisory_xact_lock(hashtext('groundswell warehouse'));

-- name: wait_briefly
-- Who holds a table that others read, such as a report that was left open, does not hold us up.
SET LOCAL lock_timeout = '10s';

-- name: stored_like
SELECT source, message_id FROM events WHERE digest IN (SELECT digest FROM batch_digests);

-- name: stored_actors
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
SELECT CAST(c.table_name AS text), CAST(c.column_name AS text)
FROM information_schema.columns AS c
JOIN information_schema.tables AS t USING (table_catalog, table_schema, table_name)
WHERE t.table_type = 'BASE TABLE' AND c.data_type = 'text' AND c.table_schema = 'groundswell'
ORDER BY c.table_name, c.column_name;

-- name: event_counts
SELECT n.event, count(*) AS events
FROM events AS e
JOIN event_names AS n ON n.event_id = e.event_id
GROUP BY n.event;
