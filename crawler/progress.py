"""What a crawl shows while it runs: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from tqdm import tqdm

# Plain lines go to log files: one for so many pages is enough to see that it moves.
_EVERY = 50


class Progress:
    """Counts list pages and pages of each channel and shows them on standard error."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stderr
        self.live = self.out.isatty()
        # Some terminals do not know their size, and in one of no lines tqdm shows nothing.
        self.bar = tqdm(
            total=0,
            unit=" pages",
            file=self.out,
            disable=not self.live,
            leave=False,
            ncols=79,
            nrows=2,
        )
        self._done: Counter[str] = Counter()
        self._due: Counter[str] = Counter()

    def listed(self, source: str, channel: str, lists: int, rows: int) -> None:
        """A list page was read."""
        self.bar.set_description(f"{source} {channel}: list page {lists}, {rows} rows")

    def due(self, source: str, channel: str, pages: int) -> None:
        """A walk is over and so many pages are asked for."""
        key = f"{source} {channel}"
        self._due[key] += pages
        self.bar.total += pages
        self.bar.set_description(key)
        if not self.live:
            self.say(f"{key}: {pages} pages to ask for")

    def page(self, source: str, channel: str) -> None:
        """A page was answered."""
        key = f"{source} {channel}"
        self._done[key] += 1
        self.bar.update()
        done, due = self._done[key], max(self._due[key], self._done[key])
        if not self.live and (done % _EVERY == 0 or done == due):
            self.say(f"{key}: {done}/{due} pages")

    def say(self, line: str) -> None:
        """A line that stays, such as a failure."""
        self.bar.write(line, file=self.out)
        self.out.flush()

    def close(self) -> None:
        """Take the bar off the terminal."""
        self.bar.close()


class _LogLines(logging.Handler):
    """Shows log records as lines above the progress bar."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.WARNING)
        self.progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record, its traceback included."""
        self.progress.say(self.format(record))


@contextmanager
def log_lines(progress: Progress) -> Iterator[None]:
    """Show the warnings and errors of Scrapy and all other libraries meanwhile."""
    handler = _LogLines(progress)
    logging.getLogger().addHandler(handler)
    # What nobody shows need not be made either: Scrapy has two lines for every request.
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        logging.getLogger().removeHandler(handler)
