-- As ids of sessions and files: the foreign key sees to it only where somebody has turned it on.
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
