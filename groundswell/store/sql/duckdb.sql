-- The default warehouse: one DuckDB file.

-- name: settings
SET TimeZone = 'UTC';
SET enable_progress_bar = false;
SET wal_autocheckpoint = '256MB';

-- name: tables
-- Ids are random text, so general compression finds little and costs least as zstd.
CREATE TABLE IF NOT EXISTS store_state (store_id VARCHAR NOT NULL, layout INTEGER NOT NULL, changes BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS actors (
  actor INTEGER NOT NULL, user_id VARCHAR, anonymous_id VARCHAR, account_id VARCHAR, first_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS event_names (event_id INTEGER NOT NULL, event VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS events (
  source VARCHAR NOT NULL,
  message_id VARCHAR USING COMPRESSION zstd NOT NULL,
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

-- name: add_actors
-- Few triples of a batch are new; the batch is the small side of the joins.
INSERT INTO actors
SELECT
  (SELECT count(*) FROM actors) + row_number() OVER (ORDER BY b.ordinal) - 1,
  b.user_id, b.anonymous_id, b.account_id, b.first_at
FROM batch_actors AS b
ANTI JOIN actors AS a
  ON a.user_id IS NOT DISTINCT FROM b.user_id
  AND a.anonymous_id IS NOT DISTINCT FROM b.anonymous_id
  AND a.account_id IS NOT DISTINCT FROM b.account_id;

-- name: number_actors
CREATE OR REPLACE TEMP TABLE numbered_actors AS
SELECT b.ordinal, a.actor, b.first_at, b.first_at < a.first_at AS is_earlier
FROM batch_actors AS b
JOIN actors AS a
  ON a.user_id IS NOT DISTINCT FROM b.user_id
  AND a.anonymous_id IS NOT DISTINCT FROM b.anonymous_id
  AND a.account_id IS NOT DISTINCT FROM b.account_id;

-- name: lower_first_at
UPDATE actors SET first_at = n.first_at
FROM numbered_actors AS n
WHERE n.actor = actors.actor AND n.is_earlier;

-- name: actor_numbers
SELECT actor FROM numbered_actors ORDER BY ordinal;

-- name: add_names
INSERT INTO event_names
SELECT (SELECT count(*) FROM event_names) + row_number() OVER (ORDER BY b.ordinal) - 1, b.event
FROM batch_names AS b
ANTI JOIN event_names AS n ON n.event = b.event;

-- name: name_numbers
SELECT n.event_id FROM batch_names AS b JOIN event_names AS n ON n.event = b.event ORDER BY b.ordinal;

-- name: add_events
INSERT INTO events SELECT * FROM batch_events;

-- name: event_counts
SELECT n.event, count(*) AS events
FROM events AS e
JOIN event_names AS n ON n.event_id = e.event_id
GROUP BY n.event
ORDER BY n.event;
