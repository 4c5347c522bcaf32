-- Sessions, files, parts, events and MOCs (CONTRACT section 4).

CREATE TABLE upload_sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id text NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'completed', 'expired', 'cancelled')),
  part_size_bytes bigint NOT NULL DEFAULT 5242880 CHECK (part_size_bytes > 0),
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  declared_files jsonb,
  declared_file_count bigint,
  declared_bytes bigint,
  finalizing_at timestamptz,
  finalized_at timestamptz,
  moc_id uuid,
  storage_freed_at timestamptz
);

CREATE INDEX idx_upload_sessions_user_created_at ON upload_sessions(user_id, created_at);

CREATE INDEX idx_upload_sessions_expires_at
ON upload_sessions(expires_at)
WHERE status = 'active';

CREATE INDEX idx_upload_sessions_to_free
ON upload_sessions(id)
WHERE status IN ('expired', 'cancelled') AND storage_freed_at IS NULL;

CREATE TABLE upload_session_files (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  session_id uuid NOT NULL REFERENCES upload_sessions(id) ON DELETE CASCADE,
  user_id text NOT NULL,
  file_key text NOT NULL,
  file_size_bytes bigint NOT NULL,
  file_hash text,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'uploading', 'completed', 'failed')),
  file_url text,
  category text NOT NULL DEFAULT 'instruction',
  file_name text,
  content_type text NOT NULL DEFAULT 'application/pdf',
  ext text NOT NULL DEFAULT 'pdf',
  object_key text UNIQUE,
  upload_id text,
  etag text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  -- The order of registration.
  registration_number bigint GENERATED ALWAYS AS IDENTITY,
  UNIQUE (session_id, file_key)
);

CREATE INDEX idx_upload_session_files_duplicate_detection
ON upload_session_files(user_id, file_size_bytes, file_hash)
WHERE status = 'completed' AND file_hash IS NOT NULL;

CREATE TABLE upload_session_parts (
  file_id uuid NOT NULL REFERENCES upload_session_files(id) ON DELETE CASCADE,
  part_number integer NOT NULL,
  etag text NOT NULL,
  size_bytes bigint NOT NULL,
  uploaded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (file_id, part_number)
);

CREATE TABLE upload_session_analytics (
  event_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  session_id uuid NOT NULL REFERENCES upload_sessions(id) ON DELETE CASCADE,
  event_type varchar(50) NOT NULL,
  metadata jsonb,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_upload_session_analytics_session_id ON upload_session_analytics(session_id);
CREATE INDEX idx_upload_session_analytics_event_type ON upload_session_analytics(event_type);
CREATE INDEX idx_upload_session_analytics_created_at ON upload_session_analytics(created_at);

-- Sessions created per user and UTC day.
CREATE TABLE user_daily_uploads (
  user_id text NOT NULL,
  upload_date date NOT NULL,
  session_count bigint NOT NULL,
  PRIMARY KEY (user_id, upload_date)
);

CREATE INDEX idx_user_daily_uploads_upload_date ON user_daily_uploads(upload_date);

CREATE TABLE idempotency_keys (
  user_id text NOT NULL,
  idempotency_key text NOT NULL,
  fingerprint text NOT NULL,
  session_id uuid NOT NULL,
  part_size_bytes bigint NOT NULL,
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, idempotency_key)
);

CREATE INDEX idx_idempotency_keys_created_at ON idempotency_keys(created_at);

CREATE TABLE moc_instructions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id text NOT NULL,
  title text NOT NULL,
  -- Compared by bytes, so that slugs with one beginning lie together.
  slug text COLLATE "C" NOT NULL,
  description text,
  status text NOT NULL DEFAULT 'private',
  pdf_key text NOT NULL,
  image_keys jsonb NOT NULL DEFAULT '[]',
  parts_keys jsonb NOT NULL DEFAULT '[]',
  tags jsonb NOT NULL DEFAULT '[]',
  theme text,
  thumbnail_url text,
  upload_session_id uuid UNIQUE REFERENCES upload_sessions(id) ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (user_id, slug),
  UNIQUE (user_id, title)
);

CREATE TABLE moc_files (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  moc_id uuid NOT NULL REFERENCES moc_instructions(id) ON DELETE CASCADE,
  upload_session_file_id uuid,
  category text NOT NULL,
  object_key text NOT NULL,
  file_name text NOT NULL,
  content_type text NOT NULL,
  file_size_bytes bigint NOT NULL,
  file_url text,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_moc_files_moc_id ON moc_files(moc_id);
CREATE INDEX idx_moc_files_object_key ON moc_files(object_key);

-- One row: an object store that is swept is bound to it.
CREATE TABLE database_identity (
  id uuid PRIMARY KEY
);

INSERT INTO database_identity (id) VALUES (gen_random_uuid());

-- A statement that waited for a lock still sees other tables as they were when it began. What a
-- volatile function reads is as of its call: these look again once the lock is held.

CREATE FUNCTION files_of_session(id uuid) RETURNS SETOF upload_session_files
LANGUAGE sql VOLATILE AS $$
  SELECT * FROM upload_session_files WHERE session_id = $1
$$;

CREATE FUNCTION parts_of_file(id uuid) RETURNS SETOF upload_session_parts
LANGUAGE sql VOLATILE AS $$
  SELECT * FROM upload_session_parts WHERE file_id = $1
$$;

CREATE FUNCTION idempotency_key_of_user(user_id text, idempotency_key text) RETURNS SETOF idempotency_keys
LANGUAGE sql VOLATILE AS $$
  SELECT * FROM idempotency_keys AS k WHERE k.user_id = $1 AND k.idempotency_key = $2
$$;
