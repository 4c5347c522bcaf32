-- What ended sessions held is looked at once more, long after it was freed: a request that was under
-- way when its server died may have stored something late.
ALTER TABLE upload_sessions ADD COLUMN storage_rechecked_at INTEGER;

CREATE INDEX idx_upload_sessions_to_recheck
ON upload_sessions(id)
WHERE storage_freed_at IS NOT NULL AND storage_rechecked_at IS NULL;
