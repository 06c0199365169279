-- The warehouse on Spark: what is read from its Parquet files.

-- name: actors
-- An actor has a row for each append that saw it earlier than the ones before.
SELECT actor, user_id, anonymous_id, account_id, min(first_at) AS first_at
FROM actor_rows
GROUP BY actor, user_id, anonymous_id, account_id;

-- name: events_named
SELECT e.source, e.message_id, a.user_id, a.anonymous_id, a.account_id, n.event, e.occurred_at, e.received_at, e.properties
FROM events AS e
JOIN actors AS a ON a.actor = e.actor
JOIN event_names AS n ON n.event_id = e.event_id;

-- name: stored_like
SELECT source, message_id FROM events LEFT SEMI JOIN batch_digests USING (digest);

-- name: stored_actors
-- By the driver. The digest finds, the ids decide.
SELECT b.ordinal, a.actor, min(a.first_at) AS first_at
FROM batch_actors AS b
JOIN actor_rows AS a
  ON a.digest = b.digest
  AND (a.user_id = b.user_id OR (a.user_id IS NULL AND b.user_id IS NULL))
  AND (a.anonymous_id = b.anonymous_id OR (a.anonymous_id IS NULL AND b.anonymous_id IS NULL))
  AND (a.account_id = b.account_id OR (a.account_id IS NULL AND b.account_id IS NULL))
GROUP BY b.ordinal, a.actor
ORDER BY b.ordinal;

-- name: next_actor
SELECT coalesce(max(actor), -1) + 1 AS number FROM actor_rows;

-- name: event_names
SELECT event FROM event_names ORDER BY event_id;

-- name: event_counts
SELECT n.event, count(*) AS events
FROM events AS e
JOIN event_names AS n ON n.event_id = e.event_id
GROUP BY n.event
ORDER BY n.event;
