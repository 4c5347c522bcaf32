-- Sums in two halves: one could be more than 64 bits hold.
WITH measured AS (
  SELECT
    CASE WHEN json_valid(metadata) AND json_type(metadata, '$.elapsed_time_ms') IN ('integer', 'real')
      THEN json_extract(metadata, '$.elapsed_time_ms') END AS elapsed_ms,
    CASE WHEN json_valid(metadata) AND json_type(metadata, '$.total_size_bytes') IN ('integer', 'real')
      THEN json_extract(metadata, '$.total_size_bytes') END AS size_bytes
  FROM upload_session_analytics
  WHERE created_at >= ?1 AND created_at < ?2
    AND +event_type = 'file_completed'
    AND (?3 IS NULL OR session_id IN (SELECT s.id FROM upload_sessions AS s WHERE s.user_id = ?3))
),
cut AS (
  SELECT
    CASE WHEN elapsed_ms BETWEEN 0 AND 9007199254740991 THEN CAST(elapsed_ms AS INTEGER) END AS elapsed_ms,
    CASE WHEN size_bytes BETWEEN 0 AND 9007199254740991 THEN CAST(size_bytes AS INTEGER) END AS size_bytes
  FROM measured
),
ranked AS (
  SELECT
    elapsed_ms,
    size_bytes,
    row_number() OVER (ORDER BY elapsed_ms NULLS LAST) AS rank,
    count(elapsed_ms) OVER () AS time_count
  FROM cut
)
SELECT
  count(elapsed_ms),
  coalesce(sum(elapsed_ms >> 20), 0),
  coalesce(sum(elapsed_ms & 1048575), 0),
  coalesce(sum(size_bytes >> 20), 0),
  coalesce(sum(size_bytes & 1048575), 0),
  max(CASE WHEN rank = (50 * time_count + 99) / 100 THEN elapsed_ms END),
  max(CASE WHEN rank = (95 * time_count + 99) / 100 THEN elapsed_ms END),
  max(CASE WHEN rank = (99 * time_count + 99) / 100 THEN elapsed_ms END)
FROM ranked
