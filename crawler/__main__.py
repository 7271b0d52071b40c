"""``python -m crawler``: the command line, as ``bulletins``."""

import crawler.cli  # noqa: F401 (adds the commands that need the network)
from archive.cli import main

main(prog_name="bulletins")
