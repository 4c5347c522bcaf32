-- With: session_exists.
-- $1 to $5 are arrays, an element for each event.
WITH inserted AS (
  INSERT INTO upload_session_analytics (event_id, session_id, event_type, metadata, created_at)
  SELECT e.event_id, e.session_id, e.event_type, e.metadata, e.created_at
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::jsonb[], $5::timestamptz[])
    AS e(event_id, session_id, event_type, metadata, created_at)
  WHERE EXISTS (SELECT 1 FROM upload_sessions AS s WHERE s.id = e.session_id)
  ORDER BY e.event_id
  ON CONFLICT DO NOTHING
  RETURNING 1
)
SELECT count(*) FROM inserted
