"""An edition until it is frozen: which slot is due, which entries it has, what each reader gets, who approves it."""
