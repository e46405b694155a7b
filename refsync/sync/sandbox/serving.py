"""Knows how a sandbox is served: on this machine only, as long as it is needed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from refsync.model import Failure, Problem
from refsync.sync.sandbox.accounts import Accounts
from refsync.sync.sandbox.app import Sandbox
from refsync.sync.sandbox.consents import Consent, Consents
from refsync.sync.sandbox.database import Database
from refsync.sync.sandbox.desktop import Desktop


class _Quiet(WSGIRequestHandler):
    """Keeps addresses, which may hold keys, out of any log."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """Hangs up when the application says so, or when the client has gone."""
        self.close_connection = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A sandbox that is being served: its address, the user and key that come with it, and where to add others.

    The desktop gives no key until somebody agrees to it, and its own user is 0.
    """

    url: str
    key: str
    user: int
    accounts: Accounts


def _clock() -> datetime:
    return datetime.now(UTC)


@contextmanager
def serving(
    path: Path | None = None,
    *,
    now: Callable[[], datetime] = _clock,
    middleware: Callable[[Any], Any] = lambda app: app,
    port: int = 0,
    desktop: bool = False,
    consent: Consent = lambda app: "deny",
    user: int = 0,
    enabled: bool = True,
    reads_only: bool = False,
    is_fixed: bool = False,
) -> Iterator[Server]:
    """Serves the libraries in the file at `path`, or in memory, on this machine only, until the block ends.

    `now` gives the time of writes; `middleware` may wrap the application, as tests do to make it fail; any free `port`
    is taken when it is 0. Raises NoShelf for a file that is damaged or holds something else, Failure for a port that is
    taken.

    With `desktop` it is the local API of Zotero's desktop that is served, over a library of its own in the same file:
    `consent` is what a person answers a program that wants to write, and the rest is as Desktop says.
    """
    with Database.opened(path) as database:
        accounts = Accounts(database=database, now=now)
        served: Sandbox | Desktop
        if desktop:
            key, root = "", "/api"
            consents = Consents(database, now, consent)
            served = Desktop(accounts, consents, user=user, enabled=enabled, reads_only=reads_only, is_fixed=is_fixed)
        else:
            (user, key), root = accounts.first(), ""
            served = Sandbox(accounts)
        app = middleware(served)
        with _listening(port) as listening:
            fd, taken = listening.fileno(), listening.getsockname()[1]
            server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet, fd=fd)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield Server(url=f"http://127.0.0.1:{taken}{root}", key=key, user=user, accounts=accounts)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        what = f"cannot be served: {getattr(error, 'strerror', None) or error}."
        raise Failure(Problem(where=f"127.0.0.1:{port}", what=what, hint="Name another port.")) from None
