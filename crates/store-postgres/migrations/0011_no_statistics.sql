-- For SQLite; this server keeps its statistics up to date by itself.
SELECT 1;
