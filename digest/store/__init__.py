"""Keep everything in the database: one module for each noun, with its SQL."""
