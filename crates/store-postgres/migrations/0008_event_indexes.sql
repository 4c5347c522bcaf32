-- SQLite has fewer indexes for events than the document that the table is from.
SELECT 1;
