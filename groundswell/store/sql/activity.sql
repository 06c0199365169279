-- The roll-up, in DuckDB whichever engine holds the events.

-- name: tables
CREATE TABLE IF NOT EXISTS activity_state (fingerprint VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS activity (
  account INTEGER, person INTEGER, day INTEGER, event INTEGER, key INTEGER, n INTEGER,
  first_at INTEGER, last_at INTEGER, visible INTEGER, hidden INTEGER
);
CREATE TABLE IF NOT EXISTS activity_runs (account INTEGER NOT NULL, rows BIGINT NOT NULL);

-- name: replace
-- Filled with the columns' names, the relation they come from and the order to bring them into, if
-- they are not in it already; all are made by this package.
CREATE OR REPLACE TABLE activity AS
SELECT {columns} FROM {relation} AS source {order};

-- name: runs
CREATE OR REPLACE TABLE activity_runs AS
SELECT account, count(*) AS rows FROM activity GROUP BY account ORDER BY account;

-- name: count
SELECT coalesce(sum(rows), 0) FROM activity_runs;

-- name: columns
SELECT column_name FROM duckdb_columns() WHERE table_name = 'activity' ORDER BY column_index;

-- name: events
SELECT coalesce(sum(n), 0) FROM activity;
