"""Prepare an edition until it is frozen: its slot, its entries, what each reader gets, its approval."""
