"""Attack the running pages with tools that others wrote, and prove on planted holes that the tools see."""
