"""Carry a delivery from frozen to settled: claim it, hand it over, record its outcome, take in its events."""
