"""Captures: answers kept as served, their bytes decoded, block pages recognised."""
