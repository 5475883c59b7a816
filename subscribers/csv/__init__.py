"""Import and export subscribers as CSV files."""
