-- An id is a UUID, also one that is put in by hand, in the one spelling that it is looked for. A row
-- with another one could be found by nobody, and not be read where many are.
CREATE TRIGGER session_id_is_uuid BEFORE INSERT ON upload_sessions
WHEN NEW.id NOT GLOB replace('xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx', 'x', '[0-9a-f]')
BEGIN
  SELECT RAISE(ABORT, 'upload_sessions.id must be a UUID in lower case');
END;

CREATE TRIGGER session_id_stays_uuid BEFORE UPDATE OF id ON upload_sessions
WHEN NEW.id NOT GLOB replace('xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx', 'x', '[0-9a-f]')
BEGIN
  SELECT RAISE(ABORT, 'upload_sessions.id must be a UUID in lower case');
END;

CREATE TRIGGER file_id_is_uuid BEFORE INSERT ON upload_session_files
WHEN NEW.id NOT GLOB replace('xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx', 'x', '[0-9a-f]')
BEGIN
  SELECT RAISE(ABORT, 'upload_session_files.id must be a UUID in lower case');
END;

CREATE TRIGGER file_id_stays_uuid BEFORE UPDATE OF id ON upload_session_files
WHEN NEW.id NOT GLOB replace('xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx', 'x', '[0-9a-f]')
BEGIN
  SELECT RAISE(ABORT, 'upload_session_files.id must be a UUID in lower case');
END;
