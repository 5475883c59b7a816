"""Compile an edition to a letter, assemble, compose and check one reader's letter. Pure."""
