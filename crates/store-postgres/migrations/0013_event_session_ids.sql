-- For SQLite; ids are of a type of their own here.
SELECT 1;
