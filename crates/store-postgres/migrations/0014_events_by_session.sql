-- For SQLite; here others insert with a key of their own, as the seed documents do.
SELECT 1;
