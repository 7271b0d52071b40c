"""Storage: the data folder, and the rows that follow from its captures."""
