"""Read case studies: their ingredients, each a sentence of the source or a line that somebody signed. Pure."""
