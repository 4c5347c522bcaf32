UPDATE upload_session_parts
SET etag = ?3
WHERE file_id = ?1 AND part_number = ?2
