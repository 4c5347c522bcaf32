SELECT EXISTS (SELECT 1 FROM moc_instructions WHERE user_id = ?1 AND title = ?2)
