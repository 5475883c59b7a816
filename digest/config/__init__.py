"""Read config.toml and the environment, and refuse every mistake in them by its key, with the cure."""
