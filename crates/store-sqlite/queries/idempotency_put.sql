INSERT INTO idempotency_keys (
  user_id, idempotency_key, fingerprint, session_id, part_size_bytes, expires_at, created_at
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (user_id, idempotency_key) DO UPDATE SET
  fingerprint = excluded.fingerprint,
  session_id = excluded.session_id,
  part_size_bytes = excluded.part_size_bytes,
  expires_at = excluded.expires_at,
  created_at = excluded.created_at
