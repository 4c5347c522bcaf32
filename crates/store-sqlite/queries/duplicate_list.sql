-- ?1 is a JSON array of { key, size, hash }. CROSS JOIN keeps the index of the files in the inner
-- loop, and with it one probe per element.
SELECT w.value ->> 'key', f.file_url, min(f.rowid)
FROM json_each(?1) AS w
CROSS JOIN upload_session_files AS f
CROSS JOIN upload_sessions AS s
WHERE f.user_id = ?2
  AND f.file_size_bytes = w.value ->> 'size'
  AND f.file_hash = w.value ->> 'hash'
  AND f.status = 'completed' AND f.file_hash IS NOT NULL
  AND s.id = f.session_id
  AND (s.status = 'completed' OR (s.status = 'active' AND s.expires_at > ?3))
GROUP BY w.key
ORDER BY w.key
