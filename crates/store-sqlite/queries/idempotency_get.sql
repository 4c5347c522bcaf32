SELECT fingerprint, session_id, part_size_bytes, expires_at
FROM idempotency_keys
WHERE user_id = ?1 AND idempotency_key = ?2 AND created_at >= ?3
