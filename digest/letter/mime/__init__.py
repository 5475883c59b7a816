"""Compose one reader's letter as a mail message: headers, encodings, signature. Pure: no network, no files."""
