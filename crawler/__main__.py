"""``python -m crawler``: the command line, as ``bulletins``."""

import crawler.cli

crawler.cli.main(prog_name="bulletins")
