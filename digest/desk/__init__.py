"""Do an editor's work: preview, edit, explain, receipts. Commands and web pages call it."""
