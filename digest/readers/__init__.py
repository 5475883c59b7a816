"""Do what a reader asks for: join, choose, see, answer, pause, leave, come back, be forgotten."""
