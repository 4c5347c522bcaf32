-- An id of an event is random, so that an index on ids alone has a page of its own to change for each
-- event. It is made of its session's, which grow with time: unique within the session says the same.
CREATE TABLE events_by_session (
  event_id TEXT NOT NULL,
  session_id TEXT NOT NULL REFERENCES upload_sessions(id) ON DELETE CASCADE,
  event_type TEXT NOT NULL,
  metadata TEXT,
  created_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
) STRICT;

-- On the empty table: rows come about in the order of these, and sorting millions at once would take
-- memory.
DROP INDEX idx_upload_session_analytics_session_id;
DROP INDEX idx_upload_session_analytics_created_at;
CREATE UNIQUE INDEX idx_upload_session_analytics_session_id
ON events_by_session(session_id, event_type, event_id);
CREATE INDEX idx_upload_session_analytics_created_at ON events_by_session(created_at);

-- Where foreign keys were off, sessions may have gone without their events.
INSERT INTO events_by_session (event_id, session_id, event_type, metadata, created_at)
SELECT event_id, session_id, event_type, metadata, created_at
FROM upload_session_analytics
WHERE session_id IN (SELECT id FROM upload_sessions)
ORDER BY rowid;

DROP TABLE upload_session_analytics;
ALTER TABLE events_by_session RENAME TO upload_session_analytics;

CREATE TRIGGER event_session_id_is_uuid BEFORE INSERT ON upload_session_analytics
WHEN NEW.session_id NOT GLOB replace('xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx', 'x', '[0-9a-f]')
BEGIN
  SELECT RAISE(ABORT, 'upload_session_analytics.session_id must be a UUID in lower case');
END;

CREATE TRIGGER event_session_id_stays_uuid BEFORE UPDATE OF session_id ON upload_session_analytics
WHEN NEW.session_id NOT GLOB replace('xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx', 'x', '[0-9a-f]')
BEGIN
  SELECT RAISE(ABORT, 'upload_session_analytics.session_id must be a UUID in lower case');
END;
