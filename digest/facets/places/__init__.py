"""Find place names in texts, and tell which regions they lie in. Pure."""
