-- $1 from, $2 to, $3 owner, $4 types, $5 limit, $6 offset, counted from the oldest if $7. What has no
-- time (an infinite one) is in no range. Three ways, of which the planner leaves two out: it knows $3
-- and $7. Each has an order and a limit of its own, so that the first two go along the index and stop.
SELECT
  event_id, session_id, event_type, metadata::text,
  least(greatest(created_at, '0001-01-01 00:00:00Z BC'), '9999-12-31T23:59:59.999Z')
FROM (
  (
    SELECT *
    FROM upload_session_analytics AS e
    WHERE $3::text IS NULL AND NOT $7
      AND e.created_at >= coalesce($1, '4714-11-24 00:00:00Z BC'::timestamptz)
      AND e.created_at < coalesce($2, 'infinity'::timestamptz)
      AND ($4::text[] IS NULL OR e.event_type = ANY ($4))
    ORDER BY e.created_at DESC, e.event_id DESC
    LIMIT $5 OFFSET $6
  )
  UNION ALL
  (
    SELECT *
    FROM upload_session_analytics AS e
    WHERE $3 IS NULL AND $7
      AND e.created_at >= coalesce($1, '4714-11-24 00:00:00Z BC'::timestamptz)
      AND e.created_at < coalesce($2, 'infinity'::timestamptz)
      AND ($4 IS NULL OR e.event_type = ANY ($4))
    ORDER BY e.created_at, e.event_id
    LIMIT $5 OFFSET $6
  )
  UNION ALL
  (
    SELECT e.*
    FROM upload_sessions AS s
    JOIN upload_session_analytics AS e ON e.session_id = s.id
    WHERE s.user_id = $3
      AND e.created_at >= coalesce($1, '4714-11-24 00:00:00Z BC'::timestamptz)
      AND e.created_at < coalesce($2, 'infinity'::timestamptz)
      AND ($4 IS NULL OR e.event_type = ANY ($4))
    ORDER BY e.created_at DESC, e.event_id DESC
    LIMIT $5 OFFSET $6
  )
) AS e
ORDER BY created_at DESC, event_id DESC
