-- An hour may be noted more than once: with a key, who noted it second would wait for the end of the
-- transaction that noted it first, however long somebody leaves that open.
ALTER TABLE analytics_stale_hours DROP CONSTRAINT analytics_stale_hours_pkey;
CREATE INDEX idx_analytics_stale_hours_hour ON analytics_stale_hours(hour);

-- What others have noted and committed needs no second note. Only at read committed is it certain
-- that such a note is still there: whoever sums up waits for the lock that is held here.
CREATE OR REPLACE FUNCTION note_stale_analytics() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT
SET enable_bitmapscan = off SET enable_seqscan = off SET jit = off AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(x'6d6f63686f7572'::bigint);
  INSERT INTO analytics_stale_hours (hour)
  SELECT h.hour
  FROM (
    SELECT analytics_hour(created_at) AS hour FROM changed
    UNION
    SELECT analytics_hour(e.created_at)
    FROM (
      SELECT DISTINCT session_id FROM changed
      WHERE event_type IN ('session_created', 'session_finalized', 'session_failed')
    ) AS c
    CROSS JOIN LATERAL (
      SELECT created_at
      FROM upload_session_analytics
      WHERE session_id = c.session_id AND event_type = 'session_created'
      OFFSET 0
    ) AS e
  ) AS h
  WHERE current_setting('transaction_isolation') <> 'read committed'
    OR NOT EXISTS (SELECT FROM analytics_stale_hours AS s WHERE s.hour = h.hour);
  RETURN NULL;
END
$$;

-- Works off up to max_count noted hours that begin in the range; how many. None while another
-- transaction that changes events stays open.
CREATE OR REPLACE FUNCTION refresh_analytics_hours(not_before timestamptz, before timestamptz, max_count integer)
RETURNS integer LANGUAGE plpgsql
SET jit = off SET work_mem = '32MB' SET lock_timeout = '500ms' AS $$
DECLARE
  stale timestamptz[];
BEGIN
  IF NOT EXISTS (SELECT FROM analytics_stale_hours WHERE hour >= not_before AND hour < before) THEN
    RETURN 0;
  END IF;
  PERFORM pg_advisory_xact_lock(x'6d6f63686f7572'::bigint);
  stale := ARRAY(
    SELECT DISTINCT hour FROM analytics_stale_hours
    WHERE hour >= not_before AND hour < before
    ORDER BY hour DESC
    LIMIT max_count
  );
  DELETE FROM analytics_stale_hours WHERE hour = ANY (stale);
  DELETE FROM analytics_hours WHERE hour = ANY (stale);
  DELETE FROM analytics_hour_times WHERE hour = ANY (stale);

  WITH events AS MATERIALIZED (
    SELECT h.hour, e.*
    FROM unnest(stale) AS h(hour)
    CROSS JOIN LATERAL (
      SELECT session_id, event_type, metadata
      FROM upload_session_analytics
      WHERE created_at >= h.hour AND created_at < h.hour + interval '1 hour'
      OFFSET 0
    ) AS e
  ),
  counts AS (
    SELECT hour, jsonb_object_agg(event_type, n) AS event_counts
    FROM (SELECT hour, event_type, count(*) AS n FROM events GROUP BY hour, event_type) AS c
    GROUP BY hour
  ),
  failures AS (
    SELECT hour, jsonb_object_agg(reason, n) AS failure_counts
    FROM (
      SELECT hour, analytics_reason(metadata) AS reason, count(*) AS n
      FROM events
      WHERE event_type = 'session_failed'
      GROUP BY 1, 2
    ) AS f
    GROUP BY hour
  ),
  sessions AS (
    SELECT
      hour,
      count(*) FILTER (WHERE NOT is_repeated) AS created,
      count(*) FILTER (WHERE NOT is_repeated AND is_finalized) AS finalized,
      count(*) FILTER (WHERE NOT is_repeated AND has_failed AND NOT is_finalized) AS failed,
      array_agg(session_id) FILTER (WHERE is_repeated) AS repeated
    FROM (
      SELECT
        hour,
        session_id,
        EXISTS (
          SELECT FROM upload_session_analytics AS e
          WHERE e.session_id = s.session_id AND e.event_type = 'session_created'
          OFFSET 1
        ) AS is_repeated,
        EXISTS (
          SELECT FROM upload_session_analytics AS e
          WHERE e.session_id = s.session_id AND e.event_type = 'session_finalized'
        ) AS is_finalized,
        EXISTS (
          SELECT FROM upload_session_analytics AS e
          WHERE e.session_id = s.session_id AND e.event_type = 'session_failed'
        ) AS has_failed
      FROM (SELECT DISTINCT hour, session_id FROM events WHERE event_type = 'session_created') AS s
    ) AS s
    GROUP BY hour
  ),
  files AS MATERIALIZED (
    SELECT
      hour,
      analytics_measure(metadata, 'elapsed_time_ms') AS elapsed_ms,
      analytics_measure(metadata, 'total_size_bytes') AS size_bytes
    FROM events
    WHERE event_type = 'file_completed'
  ),
  file_sums AS (
    SELECT hour, sum(size_bytes) AS bytes, count(elapsed_ms) AS times, sum(elapsed_ms) AS time_sum
    FROM files
    GROUP BY hour
  ),
  times AS (
    INSERT INTO analytics_hour_times (hour, bucket, time_count, times_ms)
    SELECT hour, analytics_bucket(elapsed_ms), count(*), array_agg(elapsed_ms)
    FROM files
    WHERE elapsed_ms IS NOT NULL
    GROUP BY 1, 2
  )
  INSERT INTO analytics_hours (
    hour, event_counts, failure_counts, sessions_created, sessions_finalized, sessions_failed,
    repeated_sessions, bytes_uploaded, elapsed_ms_count, elapsed_ms_sum
  )
  SELECT
    hour, event_counts, coalesce(failure_counts, '{}'), coalesce(created, 0),
    coalesce(finalized, 0), coalesce(failed, 0), coalesce(repeated, '{}'), coalesce(bytes, 0),
    coalesce(times, 0), coalesce(time_sum, 0)
  FROM counts
  LEFT JOIN failures USING (hour)
  LEFT JOIN sessions USING (hour)
  LEFT JOIN file_sums USING (hour);
  RETURN cardinality(stale);
EXCEPTION WHEN lock_not_available THEN
  RETURN 0;
END
$$;
