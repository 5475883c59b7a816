"""Let workers on several machines share the work of one PostgreSQL database, by the library Procrastinate.

The ledger decides what is done, and the queue only says that something may be to do: a job that is lost is announced
again, and a job that runs twice finds nothing left. Nothing imports this room but `digest.commands`.
"""
