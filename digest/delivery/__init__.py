"""A delivery from frozen to settled: claim it, hand it over, record its outcome, and take in events about it."""
