"""Notices: every mail that is no digest. Each is a row that is written first and handed over at most once."""
