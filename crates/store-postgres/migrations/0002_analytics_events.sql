-- What analytics events are derived from (CONTRACT section 1.8).

ALTER TABLE upload_sessions
  ADD COLUMN cancelled_at timestamptz,
  -- The first time that finalizing was refused, by reason: { code: Unix milliseconds }.
  ADD COLUMN finalize_refusals jsonb,
  -- The session has ended, and all its events are written.
  ADD COLUMN events_settled boolean NOT NULL DEFAULT false;

-- Stays when the file fails because its session ended.
ALTER TABLE upload_session_files ADD COLUMN completed_at timestamptz;

UPDATE upload_sessions SET cancelled_at = updated_at WHERE status = 'cancelled';
UPDATE upload_session_files SET completed_at = updated_at WHERE status = 'completed';

CREATE INDEX idx_upload_sessions_unsettled
ON upload_sessions(id)
WHERE declared_files IS NOT NULL AND NOT events_settled;
