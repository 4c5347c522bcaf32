SELECT count(*)
FROM upload_sessions AS s
WHERE s.user_id = ?1
  AND (?2 IS NULL OR ?2 = CASE
    WHEN s.status = 'active' AND s.expires_at <= ?3 THEN 'expired'
    ELSE s.status
  END)
