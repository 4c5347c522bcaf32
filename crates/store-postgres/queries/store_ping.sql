SELECT clock_timestamp(), EXISTS (SELECT 1 FROM upload_sessions)
