-- For PostgreSQL, where one statement sees rows as of different times.

SELECT 1;
