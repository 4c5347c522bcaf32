DELETE FROM upload_session_analytics
WHERE rowid IN (
  SELECT rowid
  FROM upload_session_analytics
  WHERE created_at < ?1
  ORDER BY created_at
  LIMIT ?2
)
