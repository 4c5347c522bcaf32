-- The rows of the seed document 01723, relative to the setting moc_uploads.now. Its one id that is
-- no UUID is 99999999-... here (CONTRACT section 4).

DELETE FROM upload_sessions
WHERE id IN ('aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', '99999999-9999-9999-9999-999999999999');

WITH clock AS (SELECT current_setting('moc_uploads.now')::timestamptz AS now)
INSERT INTO upload_sessions (id, user_id, status, part_size_bytes, expires_at, created_at, updated_at)
SELECT row.id::uuid, 'dev-user-00000000-0000-0000-0000-000000000001', row.status, 5242880, now + row.expires_in::interval, now - row.age::interval, now
FROM clock, (VALUES
  ('aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'completed', '15 minutes', '0 minutes'),
  ('99999999-9999-9999-9999-999999999999', 'active', '5 minutes', '25 minutes')
) AS row(id, status, expires_in, age);

WITH clock AS (SELECT current_setting('moc_uploads.now')::timestamptz AS now)
INSERT INTO upload_session_files (id, session_id, user_id, file_key, file_size_bytes, file_hash, status, file_url, created_at, updated_at)
SELECT
  '22222222-2222-2222-2222-222222222222',
  'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa',
  'dev-user-00000000-0000-0000-0000-000000000001',
  'test-duplicate.pdf',
  5000000,
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'completed',
  's3://bucket/test-duplicate.pdf',
  now,
  now
FROM clock;

WITH clock AS (SELECT current_setting('moc_uploads.now')::timestamptz AS now)
INSERT INTO upload_session_analytics (event_id, session_id, event_type, metadata, created_at)
SELECT row.id::uuid, 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', row.event_type, row.metadata::jsonb, now - row.age::interval
FROM clock, (VALUES
  ('33333333-3333-3333-3333-333333333333', 'session_created', '{"user_id": "dev-user-001", "file_count": 1}', '30 minutes'),
  ('44444444-4444-4444-4444-444444444444', 'file_completed', '{"elapsed_time_ms": 5000}', '25 minutes'),
  ('55555555-5555-5555-5555-555555555555', 'session_finalized', '{"total_size_bytes": 5000000}', '20 minutes')
) AS row(id, event_type, metadata, age);
