-- Sessions, files, parts, events and MOCs (CONTRACT section 4).
-- Ids are lower-case hyphenated UUIDs, times Unix milliseconds, lists and objects JSON.

CREATE TABLE upload_sessions (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'completed', 'expired', 'cancelled')),
  part_size_bytes INTEGER NOT NULL DEFAULT 5242880 CHECK (part_size_bytes > 0),
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  declared_files TEXT,
  declared_file_count INTEGER,
  declared_bytes INTEGER,
  finalizing_at INTEGER,
  finalized_at INTEGER,
  moc_id TEXT,
  storage_freed_at INTEGER
) STRICT;

CREATE INDEX idx_upload_sessions_user_created_at ON upload_sessions(user_id, created_at);

CREATE INDEX idx_upload_sessions_expires_at
ON upload_sessions(expires_at)
WHERE status = 'active';

CREATE INDEX idx_upload_sessions_to_free
ON upload_sessions(id)
WHERE status IN ('expired', 'cancelled') AND storage_freed_at IS NULL;

-- The rowid is the order of registration.
CREATE TABLE upload_session_files (
  id TEXT NOT NULL PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES upload_sessions(id) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  file_key TEXT NOT NULL,
  file_size_bytes INTEGER NOT NULL,
  file_hash TEXT,
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'uploading', 'completed', 'failed')),
  file_url TEXT,
  category TEXT NOT NULL DEFAULT 'instruction',
  file_name TEXT,
  content_type TEXT NOT NULL DEFAULT 'application/pdf',
  ext TEXT NOT NULL DEFAULT 'pdf',
  object_key TEXT UNIQUE,
  upload_id TEXT,
  etag TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (session_id, file_key)
) STRICT;

CREATE INDEX idx_upload_session_files_duplicate_detection
ON upload_session_files(user_id, file_size_bytes, file_hash)
WHERE status = 'completed' AND file_hash IS NOT NULL;

CREATE TABLE upload_session_parts (
  file_id TEXT NOT NULL REFERENCES upload_session_files(id) ON DELETE CASCADE,
  part_number INTEGER NOT NULL,
  etag TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  uploaded_at INTEGER NOT NULL,
  PRIMARY KEY (file_id, part_number)
) STRICT, WITHOUT ROWID;

CREATE TABLE upload_session_analytics (
  event_id TEXT NOT NULL PRIMARY KEY,
  session_id TEXT NOT NULL REFERENCES upload_sessions(id) ON DELETE CASCADE,
  event_type TEXT NOT NULL,
  metadata TEXT,
  created_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
) STRICT;

CREATE INDEX idx_upload_session_analytics_session_id ON upload_session_analytics(session_id);
CREATE INDEX idx_upload_session_analytics_event_type ON upload_session_analytics(event_type);
CREATE INDEX idx_upload_session_analytics_created_at ON upload_session_analytics(created_at);

-- Sessions created per user and UTC day, '2026-01-25'.
CREATE TABLE user_daily_uploads (
  user_id TEXT NOT NULL,
  upload_date TEXT NOT NULL,
  session_count INTEGER NOT NULL,
  PRIMARY KEY (user_id, upload_date)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_user_daily_uploads_upload_date ON user_daily_uploads(upload_date);

CREATE TABLE idempotency_keys (
  user_id TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  session_id TEXT NOT NULL,
  part_size_bytes INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, idempotency_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_idempotency_keys_created_at ON idempotency_keys(created_at);

CREATE TABLE moc_instructions (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL,
  title TEXT NOT NULL,
  slug TEXT NOT NULL,
  description TEXT,
  status TEXT NOT NULL DEFAULT 'private',
  pdf_key TEXT NOT NULL,
  image_keys TEXT NOT NULL DEFAULT '[]',
  parts_keys TEXT NOT NULL DEFAULT '[]',
  tags TEXT NOT NULL DEFAULT '[]',
  theme TEXT,
  thumbnail_url TEXT,
  upload_session_id TEXT UNIQUE REFERENCES upload_sessions(id) ON DELETE SET NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (user_id, slug),
  UNIQUE (user_id, title)
) STRICT;

CREATE TABLE moc_files (
  id TEXT NOT NULL PRIMARY KEY,
  moc_id TEXT NOT NULL REFERENCES moc_instructions(id) ON DELETE CASCADE,
  upload_session_file_id TEXT,
  category TEXT NOT NULL,
  object_key TEXT NOT NULL,
  file_name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  file_size_bytes INTEGER NOT NULL,
  file_url TEXT,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX idx_moc_files_moc_id ON moc_files(moc_id);
CREATE INDEX idx_moc_files_object_key ON moc_files(object_key);

-- One row: an object store that is swept is bound to it.
CREATE TABLE database_identity (
  id TEXT NOT NULL PRIMARY KEY
) STRICT;

INSERT INTO database_identity (id) VALUES (lower(hex(randomblob(16))));
