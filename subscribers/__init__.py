"""People, their consent and what they follow. Knows nothing of feeds or letters."""
