"""Everything after the network: captures, parsing, normalising, storing, searching, serving."""

__version__ = "0.1.0"
