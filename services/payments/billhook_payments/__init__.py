"""Bank statements, pairing and payments."""
