"""Source files: one TOML file for each ministry site."""
