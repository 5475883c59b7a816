"""Answer readers: the pages on which they join, choose, see, answer, pause, leave and come back."""
