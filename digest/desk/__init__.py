"""What an editor asks or does: preview, edit, explain, receipts. Commands and web call it."""
