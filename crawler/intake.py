"""Intake: where the answers of all sources of a crawl become captures, and then rows, in order."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future

from archive.captures.warc import Capture, Location
from archive.storage.classify import Reading
from archive.storage.ingest import Outcome
from archive.storage.second_reader import SecondReader
from archive.storage.store import Store


class Intake:
    """Takes captures into a store; what they are may be read by another process meanwhile.

    A capture is on disk when ``take`` returns. Its rows wait for their turn, which is the order of
    the WARC file, so that a rebuild ends with the same rows. Whether an answer repeats an earlier
    one is looked up in the rows: of one address no two may be on their way at once.
    """

    def __init__(self, store: Store, reader: SecondReader) -> None:
        self.store = store
        self.reader = reader
        # Those who wait for it get it in the order in which they came.
        self._turn = asyncio.Lock()

    def take(self, capture: Capture) -> asyncio.Task[Outcome]:
        """Append a capture to the WARC file; what comes of it follows.

        Raises CannotWrite, and so may the task, as well as the errors of the database.
        """
        location = self.store.append(capture)
        reading = None
        if capture.role == "page" and capture.status == 200:
            reading = self.reader.read(capture, location)
        return asyncio.create_task(self._ingest(capture, location, reading))

    async def _ingest(
        self, capture: Capture, location: Location, reading: Future[Reading] | None
    ) -> Outcome:
        async with self._turn:
            found = None if reading is None else await self._found(reading)
            begin = time.process_time()
            outcome = self.store.ingest(capture, location, found)
            if found is None:
                self.reader.spent(time.process_time() - begin)
            return outcome

    async def _found(self, reading: Future[Reading]) -> Reading:
        """What the other process read; None where it failed, so that this one reads."""
        try:
            return await asyncio.wrap_future(reading)
        except Exception as error:
            self.reader.failed(error)
            return None
