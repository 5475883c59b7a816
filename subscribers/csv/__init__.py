"""Read and write subscribers as CSV."""
