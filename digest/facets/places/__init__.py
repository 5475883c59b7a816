"""Place names and the regions they lie in. Pure."""
