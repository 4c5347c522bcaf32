-- 10,000 sessions with a completed file and a MOC each, a fifth of them Alice's.

-- VACUUM leaves alone what is not written yet.
SET synchronous_commit = on;

INSERT INTO upload_sessions (id, user_id, status, created_at, expires_at, declared_files)
SELECT
  md5(n::text)::uuid, user_id, 'completed', timestamptz '2020-01-01' + n * interval '1 minute',
  '2100-01-01', to_jsonb(repeat('-', 500))
FROM generate_series(1, 10000) AS n
CROSS JOIN LATERAL (
  SELECT CASE n % 5 WHEN 0 THEN :'alice' ELSE 'user-' || n % 1000 END AS user_id
) AS u;

INSERT INTO upload_session_files (
  session_id, user_id, file_key, file_size_bytes, file_hash, status, file_name
)
SELECT id, user_id, 'a', row_number() OVER (), id::text, 'completed', repeat('-', 500)
FROM upload_sessions;

INSERT INTO moc_instructions (user_id, title, slug, pdf_key)
SELECT user_id, 'Brick ' || id, 'brick-' || id, 'test/a.pdf'
FROM upload_sessions;

VACUUM ANALYZE upload_sessions;
ANALYZE upload_session_files, moc_instructions;
