"""The public archive: pages, feeds and a search of what was sent."""
