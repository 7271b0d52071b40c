"""``python -m crawler``: the command line, as ``bulletins``."""

from crawler.cli import main

main(prog_name="bulletins")
