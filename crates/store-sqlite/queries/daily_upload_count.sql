INSERT INTO user_daily_uploads (user_id, upload_date, session_count)
SELECT ?1, ?2, 1
WHERE ?3 > 0
ON CONFLICT (user_id, upload_date) DO UPDATE SET session_count = session_count + 1
WHERE session_count < ?3
