-- '.' is the character after '-': the second range is every slug that begins with ?2 and a dash.
SELECT slug
FROM moc_instructions
WHERE user_id = ?1 AND (slug = ?2 OR (slug > ?2 || '-' AND slug < ?2 || '.'))
