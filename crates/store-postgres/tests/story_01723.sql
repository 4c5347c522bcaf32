-- The test rows of the seed document 01723 as they are written there, but for the one id that is no
-- UUID.

-- Session with files for duplicate detection testing
INSERT INTO upload_sessions (id, user_id, status, part_size_bytes, expires_at, created_at, updated_at)
VALUES (
  'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa',
  'dev-user-00000000-0000-0000-0000-000000000001',
  'completed',
  5242880,
  NOW() + INTERVAL '15 minutes',
  NOW(),
  NOW()
);

-- Completed file with hash for duplicate detection
INSERT INTO upload_session_files (id, session_id, user_id, file_key, file_size_bytes, file_hash, status, file_url, created_at, updated_at)
VALUES (
  '22222222-2222-2222-2222-222222222222',
  'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa',
  'dev-user-00000000-0000-0000-0000-000000000001',
  'test-duplicate.pdf',
  5000000,
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'completed',
  's3://bucket/test-duplicate.pdf',
  NOW(),
  NOW()
);

-- Session nearing expiration for auto-extension testing
INSERT INTO upload_sessions (id, user_id, status, part_size_bytes, expires_at, created_at, updated_at)
VALUES (
  '99999999-9999-9999-9999-999999999999',
  'dev-user-00000000-0000-0000-0000-000000000001',
  'active',
  5242880,
  NOW() + INTERVAL '5 minutes', -- expires soon, should trigger extension
  NOW() - INTERVAL '25 minutes',
  NOW()
);

-- Analytics events for testing
INSERT INTO upload_session_analytics (event_id, session_id, event_type, metadata, created_at)
VALUES
  ('33333333-3333-3333-3333-333333333333', 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'session_created', '{"user_id": "dev-user-001", "file_count": 1}', NOW() - INTERVAL '30 minutes'),
  ('44444444-4444-4444-4444-444444444444', 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'file_completed', '{"elapsed_time_ms": 5000}', NOW() - INTERVAL '25 minutes'),
  ('55555555-5555-5555-5555-555555555555', 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa', 'session_finalized', '{"total_size_bytes": 5000000}', NOW() - INTERVAL '20 minutes');
