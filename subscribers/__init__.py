"""Keep people, their consent and their interests. Nothing here depends on feeds or letters."""
