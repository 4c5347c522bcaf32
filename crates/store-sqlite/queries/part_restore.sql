-- ?2 is a JSON array of [part number, etag].
UPDATE upload_session_parts AS p
SET etag = joined.etag
FROM (
  SELECT value ->> 0 AS part_number, value ->> 1 AS etag
  FROM json_each(?2)
) AS joined
WHERE p.file_id = ?1 AND p.part_number = joined.part_number AND p.etag <> joined.etag
