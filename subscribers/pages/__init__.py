"""The pages on which subscribers change, pause or end their subscription."""
