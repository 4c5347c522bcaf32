-- ?1 is a JSON array of session ids.
UPDATE upload_sessions
SET events_settled = TRUE
WHERE id IN (SELECT value FROM json_each(?1)) AND status <> 'active' AND NOT events_settled
