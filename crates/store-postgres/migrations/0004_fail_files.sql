-- Fails the files of a session that ends, also those that were registered while the statement that
-- calls it waited for the session's lock: what a volatile function reads is as of its call.

CREATE FUNCTION fail_files_of_session(id uuid, failed_at timestamptz)
RETURNS TABLE (object_key text, upload_id text, registration_number bigint)
LANGUAGE sql VOLATILE AS $$
  UPDATE upload_session_files AS f
  SET status = 'failed', updated_at = $2
  WHERE f.session_id = $1
  RETURNING f.object_key, f.upload_id, f.registration_number
$$;
