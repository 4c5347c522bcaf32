-- With: analytics_sessions, analytics_files, analytics_failures.
-- $1 from, $2 to, $3 owner. Whole hours from $4 to $5 are read as they were summed up, unless they
-- are stale; stale ones, and what is left at both ends ($6 and $7, at most an hour each), event by
-- event. What has no time (an infinite one) is in no range.
WITH hours AS MATERIALIZED (
  SELECT h.*
  FROM analytics_hours AS h
  WHERE $3::text IS NULL
    AND h.hour >= coalesce($4, '-infinity'::timestamptz)
    AND h.hour < coalesce($5, 'infinity'::timestamptz)
    AND NOT EXISTS (SELECT FROM analytics_stale_hours AS s WHERE s.hour = h.hour)
),
pieces AS MATERIALIZED (
  SELECT
    greatest(s.hour, $1) AS since,
    least(s.hour + interval '1 hour', $2) AS before
  FROM analytics_stale_hours AS s
  WHERE $3 IS NULL
    AND s.hour > coalesce($1 - interval '1 hour', '-infinity'::timestamptz)
    AND s.hour < coalesce($2, 'infinity'::timestamptz)
  UNION
  SELECT e.since, least(e.before, analytics_hour(e.since) + interval '1 hour')
  FROM unnest($6::timestamptz[], $7::timestamptz[]) AS e(since, before)
  WHERE $3 IS NULL
),
events AS MATERIALIZED (
  SELECT e.*
  FROM pieces AS p
  CROSS JOIN LATERAL (
    SELECT session_id, event_type, metadata
    FROM upload_session_analytics
    WHERE created_at >= p.since AND created_at < p.before
    OFFSET 0
  ) AS e
  UNION ALL
  SELECT e.session_id, e.event_type, e.metadata
  FROM upload_sessions AS s
  JOIN upload_session_analytics AS e ON e.session_id = s.id
  WHERE s.user_id = $3
    AND e.created_at >= coalesce($1, '4714-11-24 00:00:00Z BC'::timestamptz)
    AND e.created_at < coalesce($2, 'infinity'::timestamptz)
),
event_counts AS (
  SELECT name, sum(n) AS n
  FROM (
    SELECT c.key AS name, c.value::bigint AS n
    FROM hours CROSS JOIN LATERAL jsonb_each_text(event_counts) AS c
    UNION ALL
    SELECT event_type, count(*) FROM events GROUP BY event_type
  ) AS c
  GROUP BY name
),
failure_counts AS (
  SELECT name, sum(n) AS n
  FROM (
    SELECT c.key AS name, c.value::bigint AS n
    FROM hours CROSS JOIN LATERAL jsonb_each_text(failure_counts) AS c
    UNION ALL
    SELECT analytics_reason(metadata), count(*)
    FROM events
    WHERE event_type = 'session_failed'
    GROUP BY 1
  ) AS c
  GROUP BY name
),
sessions AS (
  SELECT
    count(*) AS created,
    count(*) FILTER (WHERE is_finalized) AS finalized,
    count(*) FILTER (WHERE has_failed AND NOT is_finalized) AS failed
  FROM (
    SELECT
      EXISTS (
        SELECT FROM upload_session_analytics AS e
        WHERE e.session_id = c.session_id AND e.event_type = 'session_finalized'
      ) AS is_finalized,
      EXISTS (
        SELECT FROM upload_session_analytics AS e
        WHERE e.session_id = c.session_id AND e.event_type = 'session_failed'
      ) AS has_failed
    FROM (
      SELECT session_id FROM events WHERE event_type = 'session_created'
      UNION
      SELECT unnest(repeated_sessions) FROM hours
    ) AS c
  ) AS s
),
files AS MATERIALIZED (
  SELECT
    analytics_measure(metadata, 'elapsed_time_ms') AS elapsed_ms,
    analytics_measure(metadata, 'total_size_bytes') AS size_bytes
  FROM events
  WHERE event_type = 'file_completed'
),
file_sums AS (
  SELECT count(elapsed_ms) AS times, sum(elapsed_ms) AS time_sum, sum(size_bytes) AS bytes
  FROM files
),
hour_sums AS (
  SELECT
    sum(sessions_created) AS created, sum(sessions_finalized) AS finalized,
    sum(sessions_failed) AS failed, sum(elapsed_ms_count) AS times,
    sum(elapsed_ms_sum) AS time_sum, sum(bytes_uploaded) AS bytes
  FROM hours
),
-- The bucket that holds a percentile is told by counts; then it alone is sorted.
buckets AS (
  SELECT bucket, sum(n) AS n
  FROM (
    SELECT t.bucket, t.time_count AS n
    FROM analytics_hour_times AS t
    WHERE $3 IS NULL
      AND t.hour >= coalesce($4, '-infinity'::timestamptz)
      AND t.hour < coalesce($5, 'infinity'::timestamptz)
      AND NOT EXISTS (SELECT FROM analytics_stale_hours AS s WHERE s.hour = t.hour)
    UNION ALL
    SELECT analytics_bucket(elapsed_ms), 1 FROM files WHERE elapsed_ms IS NOT NULL
  ) AS b
  GROUP BY bucket
),
placed AS (
  SELECT
    bucket, n, sum(n) OVER (ORDER BY bucket) - n AS before, sum(n) OVER () AS total
  FROM buckets
),
wanted AS MATERIALIZED (
  SELECT p.percent, b.bucket, div(p.percent * b.total + 99, 100) - b.before AS rank
  FROM placed AS b
  JOIN (VALUES (50), (95), (99)) AS p(percent)
    ON div(p.percent * b.total + 99, 100) BETWEEN b.before + 1 AND b.before + b.n
),
ranked AS (
  SELECT bucket, elapsed_ms, row_number() OVER (PARTITION BY bucket ORDER BY elapsed_ms) AS rank
  FROM (
    SELECT t.bucket, unnest(t.times_ms) AS elapsed_ms
    FROM analytics_hour_times AS t
    WHERE $3 IS NULL
      AND t.hour >= coalesce($4, '-infinity'::timestamptz)
      AND t.hour < coalesce($5, 'infinity'::timestamptz)
      AND NOT EXISTS (SELECT FROM analytics_stale_hours AS s WHERE s.hour = t.hour)
      AND t.bucket IN (SELECT bucket FROM wanted)
    UNION ALL
    SELECT analytics_bucket(elapsed_ms), elapsed_ms
    FROM files
    WHERE analytics_bucket(elapsed_ms) IN (SELECT bucket FROM wanted)
  ) AS r
),
percentiles AS (
  SELECT
    max(elapsed_ms) FILTER (WHERE percent = 50) AS p50,
    max(elapsed_ms) FILTER (WHERE percent = 95) AS p95,
    max(elapsed_ms) FILTER (WHERE percent = 99) AS p99
  FROM wanted JOIN ranked USING (bucket, rank)
)
SELECT
  (SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM event_counts),
  (SELECT coalesce(array_agg(n::bigint ORDER BY name), '{}') FROM event_counts),
  (SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM failure_counts),
  (SELECT coalesce(array_agg(n::bigint ORDER BY name), '{}') FROM failure_counts),
  (s.created + coalesce(h.created, 0))::bigint,
  (s.finalized + coalesce(h.finalized, 0))::bigint,
  (s.failed + coalesce(h.failed, 0))::bigint,
  (f.times + coalesce(h.times, 0))::bigint,
  least(coalesce(f.time_sum, 0) + coalesce(h.time_sum, 0), 9223372036854775807)::bigint,
  least(coalesce(f.bytes, 0) + coalesce(h.bytes, 0), 9223372036854775807)::bigint,
  p50, p95, p99
FROM sessions AS s, file_sums AS f, hour_sums AS h, percentiles
