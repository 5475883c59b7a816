"""Process and disk: what any room may need of the machine it runs on."""
