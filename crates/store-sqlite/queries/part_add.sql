-- ?2 is a JSON array of [part number, etag, size, uploaded at, recorded etag]. What was recorded in the
-- meantime stays.
INSERT INTO upload_session_parts (file_id, part_number, etag, size_bytes, uploaded_at)
SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3
FROM json_each(?2)
WHERE value ->> 4 IS NULL
ON CONFLICT (file_id, part_number) DO NOTHING
