"""Dates as written, and the civil days in China that they mean."""
