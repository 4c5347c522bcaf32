DELETE FROM user_daily_uploads
WHERE upload_date < ?1
