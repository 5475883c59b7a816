"""Hand letters over: the seam in `base`, and one folder or file for each way out."""
