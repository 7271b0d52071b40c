"""What a crawl shows while it runs: one moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TextIO

# Plain lines go to log files: one for so many pages is enough to see that it moves.
_EVERY = 50


class Progress:
    """Counts list pages and pages of each channel and shows them on standard error."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stderr
        self.live = self.out.isatty()
        self._done: Counter[str] = Counter()
        self._due: Counter[str] = Counter()

    def listed(self, source: str, channel: str, lists: int, rows: int) -> None:
        """A list page was read."""
        self._show(f"{source} {channel}: list page {lists}, {rows} rows", always=False)

    def due(self, source: str, channel: str, pages: int) -> None:
        """A walk is over and so many pages are asked for."""
        self._due[f"{source} {channel}"] += pages
        self._show(f"{source} {channel}: {pages} pages to ask for", always=True)

    def page(self, source: str, channel: str) -> None:
        """A page was answered."""
        key = f"{source} {channel}"
        self._done[key] += 1
        done, due = self._done[key], max(self._due[key], self._done[key])
        filled = 20 * done // due
        bar = f"[{'#' * filled}{'.' * (20 - filled)}] " if self.live else ""
        self._show(f"{key}: {bar}{done}/{due} pages", always=done % _EVERY == 0 or done == due)

    def say(self, line: str) -> None:
        """A line that stays, such as a failure."""
        if self.live:
            self.out.write("\r\x1b[K")
        self.out.write(line + "\n")
        self.out.flush()

    def end(self) -> None:
        """Leave the terminal on a fresh line."""
        if self.live:
            self.out.write("\r\x1b[K")
            self.out.flush()

    def _show(self, line: str, *, always: bool) -> None:
        if self.live:
            self.out.write(f"\r\x1b[K{line}")
            self.out.flush()
        elif always:
            self.say(line)
