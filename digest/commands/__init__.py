"""Define the commands of the terminal: parse, call a story, print."""
