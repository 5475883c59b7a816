"""Do an operator's work: status, doctor, alarms, settle, stop, resume."""
