"""Benches: what the archive costs, measured beside a rival where there is one.

Each ``bench_<name>.py`` has a docstring that says what it measures and a function ``run()`` that
prints it; ``python -m bench`` runs all, ``python -m bench NAME…`` those named.
"""
