"""Do an editor's work: preview, edit, explain, receipts. Commands call it, and the web desk will."""
