-- Hours that are over: the current one would be stale again at once.
SELECT refresh_analytics_hours(
  coalesce($1, '-infinity'::timestamptz),
  least(coalesce($2, 'infinity'::timestamptz), analytics_hour(now())),
  $3
)
