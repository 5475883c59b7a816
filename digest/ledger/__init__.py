"""Decide the states of a delivery: what an outcome, an event or a retry makes of it. Pure."""
