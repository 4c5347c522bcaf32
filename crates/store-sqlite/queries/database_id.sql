SELECT id FROM database_identity
