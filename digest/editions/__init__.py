"""An edition until it is frozen: which slot is next, what it shows, who gets what."""
