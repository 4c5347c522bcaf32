-- Hours that are over: the current one would be stale again at once.
SELECT refresh_analytics_hours('-infinity', analytics_hour(now()), $1)
