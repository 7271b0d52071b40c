"""The server process: Datasette over the archive, until it is interrupted."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from archive.errors import UsageError
from archive.serving.application import application
from archive.storage.database import ENTRIES_INDEX, connect, open_readonly, outdated
from archive.storage.lock import lock

MAX_ADDRESS_BYTES = 1 << 20
"""The longest request line that is read, so that a query that is too long is refused in words."""

_METHODS = (b"GET ", b"HEAD ")
_ASCII = bytes(range(0x80))


class LenientProtocol(H11Protocol):
    """HTTP that accepts addresses as people type them: ``curl 'http://…?_search=危房改造'``.

    Clients such as curl send the bytes as typed; the standard requires them escaped, and h11
    would answer 400.
    """

    _begun = b""

    def data_received(self, data: bytes) -> None:
        """Escape the bytes of the request line that are not ASCII, and pass the request on.

        A request line that arrives in pieces is collected first.
        """
        data = self._begun + data
        begins = self.conn.their_state is h11.IDLE and any(
            data.startswith(method) or method.startswith(data) for method in _METHODS
        )
        if begins and b"\r\n" not in data and len(data) < MAX_ADDRESS_BYTES:
            self._begun = data
            return
        self._begun = b""
        super().data_received(escaped(data))


def escaped(data: bytes) -> bytes:
    """The bytes received, with the address percent-encoded if they begin a request."""
    line, end, rest = data.partition(b"\r\n")
    if line.isascii() or not line.startswith(_METHODS):
        return data
    return quote(line, safe=_ASCII).encode("ascii") + end + rest


def serve(data: Path, host: str, port: int) -> None:
    """Serve ``data/bulletins.db`` at an address; port 0 means any free port. Ends with Ctrl-C.

    Raises UsageError if there is no database yet or the address cannot be used, Damaged if this
    program cannot read the database, and the errors of :func:`renew_index`.
    """
    path = data / "bulletins.db"
    check(path)
    renew_index(data)
    app = application(path).app()
    with listen(host, port) as listening:
        # From here on a client waits instead of being refused, however slow the start is.
        listening.listen()
        shown = f"[{host}]" if ":" in host else host
        print(f"http://{shown}:{listening.getsockname()[1]}/  (Ctrl-C ends it)", flush=True)
        config = uvicorn.Config(
            app,
            http=LenientProtocol,
            log_level="warning",
            lifespan="on",
            h11_max_incomplete_event_size=MAX_ADDRESS_BYTES,
        )
        uvicorn.Server(config).run(sockets=[listening])


def check(path: Path) -> None:
    """Raise UsageError or Damaged unless there is a database of this schema to read."""
    with closing(open_readonly(path.parent)) as conn:
        if line := outdated(conn):
            print(line, flush=True)


def renew_index(data: Path) -> None:
    """Rebuild the search index if this program cannot read it: after an upgrade.

    Raises Locked if another process is writing (it rebuilds the index too), CannotWrite.
    """
    with closing(open_readonly(data)) as conn:
        if ENTRIES_INDEX.is_readable(conn):
            return
    print("the search index is of another version: rebuilding it ...", flush=True)
    with lock(data):
        connect(data / "bulletins.db").conn.close()


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address; raises UsageError with the reason if that fails."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends small responses at once (TCP_NODELAY); without it each
    # response on a connection that is kept open waits some 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        raise UsageError(
            f"cannot serve at {host}:{port} ({reason}): choose another address with --host, --port"
        ) from error
    return listening
