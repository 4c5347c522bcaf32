-- With: event_facts_file, event_facts_written.
SELECT
  s.id, s.user_id, s.status, s.declared_file_count, s.declared_bytes, s.created_at, s.expires_at,
  s.cancelled_at, s.finalized_at, s.finalize_refusals,
  f.ids, f.categories, f.sizes_bytes, f.registered_at, f.completed_at,
  ARRAY(SELECT e.event_id FROM upload_session_analytics AS e WHERE e.session_id = s.id)
FROM upload_sessions AS s
CROSS JOIN LATERAL (
  SELECT
    array_agg(id) AS ids,
    array_agg(category) AS categories,
    array_agg(file_size_bytes) AS sizes_bytes,
    array_agg(created_at) AS registered_at,
    array_agg(completed_at) AS completed_at
  FROM upload_session_files
  WHERE session_id = s.id
) AS f
WHERE s.id = ANY($1) AND s.declared_files IS NOT NULL
