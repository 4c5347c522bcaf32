-- With: daily_upload_count, duplicate_list, idempotency_get, idempotency_put.
-- $1 is when to judge expiry: the server's time unless given. $10 is an array of
-- { position, key, size, hash }. Requests with one idempotency key go one after the other. Each file
-- is looked up by itself (OFFSET keeps the planner from joining): a user's files may be most of all.
WITH clock AS MATERIALIZED (
  SELECT coalesce($1, date_trunc('milliseconds', now())) AS now
),
claim AS MATERIALIZED (
  SELECT
    $12::text AS idempotency_key,
    pg_advisory_xact_lock(hashtextextended($12, hashtextextended($3, 0)))
  WHERE $12 IS NOT NULL
),
answered AS MATERIALIZED (
  SELECT k.*
  FROM claim
  CROSS JOIN LATERAL idempotency_key_of_user($3, claim.idempotency_key) AS k
  WHERE k.created_at >= $14
),
duplicate AS MATERIALIZED (
  SELECT DISTINCT ON (w.position) w.position, w.key, f.file_url
  FROM jsonb_to_recordset($10) AS w(position bigint, key text, size bigint, hash text)
  CROSS JOIN clock
  CROSS JOIN LATERAL (
    SELECT f.session_id, f.file_url, f.registration_number
    FROM upload_session_files AS f
    WHERE f.user_id = $3 AND f.file_size_bytes = w.size AND f.file_hash = w.hash
      AND f.status = 'completed' AND f.file_hash IS NOT NULL
    OFFSET 0
  ) AS f
  JOIN upload_sessions AS s ON s.id = f.session_id
  WHERE (s.status = 'completed' OR (s.status = 'active' AND s.expires_at > clock.now))
    AND NOT EXISTS (SELECT 1 FROM answered)
  ORDER BY w.position, f.registration_number
),
counted AS (
  INSERT INTO user_daily_uploads AS d (user_id, upload_date, session_count)
  SELECT $3, ($5::timestamptz AT TIME ZONE 'UTC')::date, 1
  WHERE $11::bigint > 0
    AND NOT EXISTS (SELECT 1 FROM answered)
    AND NOT EXISTS (SELECT 1 FROM duplicate)
  ON CONFLICT (user_id, upload_date) DO UPDATE SET session_count = d.session_count + 1
  WHERE d.session_count < $11
  RETURNING d.user_id
),
created AS (
  INSERT INTO upload_sessions (
    id, user_id, part_size_bytes, created_at, updated_at, expires_at,
    declared_files, declared_file_count, declared_bytes
  )
  SELECT $2, counted.user_id, $4::bigint, $5, $5, $6::timestamptz, $7::jsonb, $8::bigint, $9::bigint
  FROM counted
  RETURNING id
),
remembered AS (
  INSERT INTO idempotency_keys (
    user_id, idempotency_key, fingerprint, session_id, part_size_bytes, expires_at, created_at
  )
  SELECT $3, claim.idempotency_key, $13, created.id, $4, $6, $5
  FROM created
  CROSS JOIN claim
  ON CONFLICT (user_id, idempotency_key) DO UPDATE SET
    fingerprint = excluded.fingerprint,
    session_id = excluded.session_id,
    part_size_bytes = excluded.part_size_bytes,
    expires_at = excluded.expires_at,
    created_at = excluded.created_at
)
SELECT
  EXISTS (SELECT 1 FROM created),
  a.fingerprint, a.session_id, a.part_size_bytes, a.expires_at,
  (SELECT jsonb_agg(jsonb_build_array(d.key, d.file_url) ORDER BY d.position) FROM duplicate AS d)
FROM clock
LEFT JOIN answered AS a ON true
