"""Deal with the process and the machine: signals, disk, time limits, shipped files, rendered web pages."""
