-- The warehouse on Spark: views over Parquet files, made anew when there is a new commit.

-- name: actors
-- An actor has a row for each append that saw it earlier than the ones before.
CREATE OR REPLACE TEMPORARY VIEW actors AS
SELECT actor, user_id, anonymous_id, account_id, min(first_at) AS first_at
FROM actor_rows
GROUP BY actor, user_id, anonymous_id, account_id;

-- name: events_named
CREATE OR REPLACE TEMPORARY VIEW events_named AS
SELECT e.source, e.message_id, a.user_id, a.anonymous_id, a.account_id, n.event, e.occurred_at, e.received_at, e.properties
FROM events AS e
JOIN actors AS a ON a.actor = e.actor
JOIN event_names AS n ON n.event_id = e.event_id;

-- name: stored_like
SELECT source, message_id FROM events LEFT SEMI JOIN batch_digests USING (digest);

-- name: event_counts
SELECT n.event, count(*) AS events
FROM events AS e
JOIN event_names AS n ON n.event_id = e.event_id
GROUP BY n.event
ORDER BY n.event;
