"""Parsing: what a list or a detail page says, before anything is normalised."""
