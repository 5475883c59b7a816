"""Show the pages on which readers change, pause or end their subscription."""
