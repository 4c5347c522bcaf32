-- Nothing here: SQLite keeps no sums of hours.
SELECT 1;
