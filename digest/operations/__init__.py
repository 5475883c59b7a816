"""What an operator asks or does: status, doctor, alarms, settle, stop, resume."""
