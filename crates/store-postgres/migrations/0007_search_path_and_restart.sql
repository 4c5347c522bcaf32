-- What runs with its owner's rights looks for tables in the schema alone. PostgreSQL looks among the
-- caller's temporary tables first where a path does not name them. The path is the migrations' own.
ALTER FUNCTION note_stale_analytics() SET search_path FROM CURRENT;
ALTER FUNCTION forget_analytics_hours() SET search_path FROM CURRENT;

-- Forgets the parts of a file, also those that were recorded while the statement that calls it waited
-- for the session's lock: what a volatile function sees is as of its call.
CREATE FUNCTION forget_parts_of_file(id uuid) RETURNS bigint
LANGUAGE sql VOLATILE AS $$
  WITH forgotten AS (
    DELETE FROM upload_session_parts WHERE file_id = $1 RETURNING 1
  )
  SELECT count(*) FROM forgotten
$$;
