-- What analytics reads (docs/decisions/0007): sums of whole hours, kept until one of the hour's
-- events changes, whoever changes it.

-- How a session ended, and whether it was created more than once.
CREATE INDEX idx_upload_session_analytics_session_ends
ON upload_session_analytics(session_id, event_type)
WHERE event_type IN ('session_created', 'session_finalized', 'session_failed');

-- Hours whose sums are not there or not right. All others with events are in analytics_hours.
CREATE TABLE analytics_stale_hours (
  hour timestamptz PRIMARY KEY
);

CREATE TABLE analytics_hours (
  hour timestamptz PRIMARY KEY,
  -- Events by type.
  event_counts jsonb NOT NULL,
  -- session_failed by reason.
  failure_counts jsonb NOT NULL,
  -- Sessions created in this hour and in no other.
  sessions_created bigint NOT NULL,
  sessions_finalized bigint NOT NULL,
  sessions_failed bigint NOT NULL,
  -- Sessions created in this hour that have more than one session_created: they are to be counted
  -- once in any range.
  repeated_sessions uuid[] NOT NULL,
  -- Of file_completed.
  bytes_uploaded numeric NOT NULL,
  elapsed_ms_count bigint NOT NULL,
  elapsed_ms_sum numeric NOT NULL
);

-- elapsed_time_ms of file_completed, all of them, in buckets that are in order.
CREATE TABLE analytics_hour_times (
  hour timestamptz NOT NULL,
  bucket integer NOT NULL,
  time_count bigint NOT NULL,
  times_ms bigint[] NOT NULL,
  PRIMARY KEY (hour, bucket)
);

-- A number of the metadata from 0 to 2^53 - 1 without its fraction; NULL for anything else.
CREATE FUNCTION analytics_measure(metadata jsonb, name text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_typeof(metadata -> name) = 'number' THEN
    CASE WHEN (metadata -> name)::numeric BETWEEN 0 AND 9007199254740991
      THEN trunc((metadata -> name)::numeric)::bigint
    END
  END
$$;

CREATE FUNCTION analytics_reason(metadata jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN jsonb_typeof(metadata -> 'failure_reason') = 'string'
    THEN metadata ->> 'failure_reason'
    ELSE 'UNKNOWN'
  END
$$;

-- The first 15 bits of the double, which is exact: sign, exponent and three bits of the fraction make
-- eight buckets from one power of two to the next.
CREATE FUNCTION analytics_bucket(measure bigint) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (get_byte(float8send(measure::float8), 0) * 256 + get_byte(float8send(measure::float8), 1)) / 2
$$;

CREATE FUNCTION analytics_hour(at timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT date_bin('1 hour', at, '1970-01-01T00:00:00Z')
$$;

-- Notes the hours of the events that changed, and those in which their sessions were created.
-- Holding the lock in shared mode until the end keeps the notes from being worked off too early.
-- The settings: the few sessions of a batch are looked up, whatever the statistics say. Whoever may
-- write events needs no right to anything else.
CREATE FUNCTION note_stale_analytics() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(x'6d6f63686f7572'::bigint);
  INSERT INTO analytics_stale_hours (hour)
  SELECT analytics_hour(created_at) FROM changed
  UNION
  SELECT analytics_hour(e.created_at)
  FROM (
    SELECT DISTINCT session_id FROM changed
    WHERE event_type IN ('session_created', 'session_finalized', 'session_failed')
  ) AS c
  JOIN upload_session_analytics AS e
    ON e.session_id = c.session_id AND e.event_type = 'session_created'
  ORDER BY 1
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;

CREATE FUNCTION forget_analytics_hours() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  TRUNCATE analytics_stale_hours, analytics_hours, analytics_hour_times;
  RETURN NULL;
END
$$;

CREATE TRIGGER note_stale_after_insert AFTER INSERT ON upload_session_analytics
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_stale_analytics();

CREATE TRIGGER note_stale_after_delete AFTER DELETE ON upload_session_analytics
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_stale_analytics();

CREATE TRIGGER note_stale_after_update_old AFTER UPDATE ON upload_session_analytics
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_stale_analytics();

CREATE TRIGGER note_stale_after_update_new AFTER UPDATE ON upload_session_analytics
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_stale_analytics();

CREATE TRIGGER forget_after_truncate AFTER TRUNCATE ON upload_session_analytics
FOR EACH STATEMENT EXECUTE FUNCTION forget_analytics_hours();

-- Works off up to max_count noted hours that begin in the range; how many. None while another
-- transaction that changes events stays open.
CREATE FUNCTION refresh_analytics_hours(not_before timestamptz, before timestamptz, max_count integer)
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
    SELECT hour FROM analytics_stale_hours
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

INSERT INTO analytics_stale_hours (hour)
SELECT DISTINCT analytics_hour(created_at) FROM upload_session_analytics;
