UPDATE upload_sessions
SET status = 'completed', finalized_at = ?2, updated_at = ?2, moc_id = ?3
WHERE id = ?1
