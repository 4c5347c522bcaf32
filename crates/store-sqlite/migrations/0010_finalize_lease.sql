-- Until when whoever holds the finalize lock is known to be alive. NULL where nobody said so: then the
-- age of the lock alone decides.
ALTER TABLE upload_sessions ADD COLUMN finalize_lease_until INTEGER;
