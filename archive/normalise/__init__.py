"""Normalising: bulletins divided into entries with coded provinces, places, dates, officials."""
