SELECT
  s.id, s.user_id, s.status, s.part_size_bytes, s.created_at, s.expires_at,
  s.declared_file_count, s.declared_bytes, s.finalizing_at, s.finalize_lease_until,
  s.moc_id
FROM upload_sessions AS s
WHERE s.id = ?1
