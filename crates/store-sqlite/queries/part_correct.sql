-- ?2 is a JSON array of [part number, etag, size, uploaded at, recorded etag]. What was recorded in the
-- meantime stays.
UPDATE upload_session_parts AS p
SET etag = held.etag, size_bytes = held.size_bytes, uploaded_at = held.uploaded_at
FROM (
  SELECT
    value ->> 0 AS part_number, value ->> 1 AS etag, value ->> 2 AS size_bytes,
    value ->> 3 AS uploaded_at, value ->> 4 AS recorded_etag
  FROM json_each(?2)
) AS held
WHERE p.file_id = ?1 AND p.part_number = held.part_number AND p.etag = held.recorded_etag
