"""Answer the desk's pages: what editors see and do in a browser, by the functions that the commands call too."""
