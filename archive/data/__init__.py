"""Data files that the archive reads: the gazetteer, the notices of its sources, its generator."""
