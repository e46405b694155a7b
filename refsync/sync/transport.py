"""Knows how Zotero's server is spoken to: one request at a time, at its pace, again where that is safe, and what each
refusal means. The client that pyzotero uses stands on it, so that pyzotero sees only answers that are answers."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from refsync import __version__
from refsync.model import Failure, Problem

_FIRST_TRIES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long a server is waited for: tries of one request, the first and the longest pause (seconds), and the longest
    time to connect, between two pieces of an answer, and for the whole of it."""

    tries: int = 6
    pause: float = 1.0
    longest: float = 120.0
    connect: float = 15.0
    silence: float = 90.0
    whole: float = 600.0


class Unchanged(Exception):
    """The library is at the version that was asked about."""


class Moved(Exception):
    """Somebody else has written: the library is no longer at the version that a write was meant for."""


class Unsure(Exception):
    """Nobody knows whether a write has arrived. Says why."""


class Locked(Failure):
    """The server wants another key."""


class _Again(Exception):
    """The same request may be sent again, after `wait` seconds where the server says so; `is_away`: nobody was reached."""

    def __init__(self, why: str, wait: float | None = None, *, is_away: bool = False) -> None:
        super().__init__(why)
        self.wait, self.is_away = wait, is_away


class Transport(httpx2.BaseTransport):
    """Sends requests, and returns only what was done or found.

    `since`, when set, makes the next read conditional. Raises Unchanged, Moved, Unsure; and Failure for what no retry mends.
    """

    def __init__(
        self,
        server: str,
        patience: Patience,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.server, self.patience = server, patience
        self.named_by = "ZOTERO_API_URL"  # what a person checks when the wrong one answers
        self.reads = self.writes = 0
        self.since: int | None = None
        self._sleep, self._now = sleep, now
        self._not_before = 0.0
        self._is_met = False  # whether this server has answered anything yet
        # Certificates take a while to be read, and are of no use to a server on this machine.
        is_plain = urlsplit(server).scheme == "http"
        self._inner = httpx2.HTTPTransport(retries=0, proxy=_proxy(server), verify=not is_plain)

    def close(self) -> None:
        """Ends the connections."""
        self._inner.close()

    def pause(self, seconds: float) -> None:
        """Waits before the next request."""
        self._sleep(min(seconds, self.patience.longest))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One answer to one request."""
        request.headers.pop(
            "Zotero-Write-Token", None
        )  # keys and versions make a repeated write safe; a token would refuse it
        request.headers["User-Agent"] = f"refsync/{__version__}"
        if self.since is not None and request.method == "GET":
            request.headers["If-Modified-Since-Version"] = str(self.since)
        request.extensions["timeout"] = {
            "connect": self.patience.connect, "read": self.patience.silence, "write": self.patience.silence,
            "pool": self.patience.silence,
        }  # fmt: skip
        retrying = Retrying(
            retry=retry_if_exception_type(_Again),
            stop=self._has_tried_enough,
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(self._once, request)
        except _Again as error:
            if request.method != "GET":
                raise Unsure(str(error)) from None
            hint = "Nothing is lost. Run it again later."
            raise Failure(Problem(where=self.server, what=f"does not answer: {error}.", hint=hint)) from None

    def _has_tried_enough(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        # A server that was never reached is rather a wrong address, or no network, than one that comes back.
        is_new = isinstance(error, _Again) and error.is_away and not self._is_met
        return state.attempt_number >= (min(_FIRST_TRIES, self.patience.tries) if is_new else self.patience.tries)

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        said = error.wait if isinstance(error, _Again) else None
        pause = said if said is not None else self.patience.pause * 2 ** (state.attempt_number - 1)
        return min(pause, self.patience.longest)

    def _once(self, request: httpx2.Request) -> httpx2.Response:
        if (left := self._not_before - self._now()) > 0:
            self._sleep(min(left, self.patience.longest))
        is_write = request.method != "GET"
        if is_write:
            self.writes += 1
        else:
            self.reads += 1
        try:
            response = self._whole(self._inner.handle_request(request))
        except httpx2.ConnectError as error:
            if "certificate" in str(error).lower() or "ssl" in str(error).lower():
                what = f"cannot be trusted: {_why(error)}."
                raise Failure(Problem(where=self.server, what=what, hint="Check the address and the clock.")) from None
            raise _Again(_why(error), is_away=True) from None
        except httpx2.UnsupportedProtocol as error:
            raise Failure(Problem(where=self.server, what=f"is no address: {_why(error)}.", hint="Check it.")) from None
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            if is_write:
                raise Unsure(_why(error)) from None
            raise _Again(_why(error)) from None
        return self._judged(response, is_write)

    def _whole(self, response: httpx2.Response) -> httpx2.Response:
        """The response with all of its body. One that comes in drops is given up when it takes too long."""
        end = self._now() + self.patience.whole
        pieces = []
        try:
            for piece in response.iter_raw():
                pieces.append(piece)
                if self._now() > end:
                    raise httpx2.ReadTimeout("")
        finally:
            response.close()
        return httpx2.Response(response.status_code, headers=response.headers, content=b"".join(pieces))

    def _judged(self, response: httpx2.Response, is_write: bool) -> httpx2.Response:
        """The response, where it is an answer; it raises what it means where it is none."""
        code = response.status_code
        self._is_met = True
        self._note_pace(response)
        if code == 304 and self.since is not None:
            raise Unchanged
        if code < 300:
            if "Zotero-API-Version" not in response.headers and "Last-Modified-Version" not in response.headers:
                if is_write:
                    raise Unsure("the answer is not Zotero's")
                raise self._no_zotero()
            return response
        said = _said(response)
        wait = _seconds(response)
        if (code == 429 or code >= 500) and wait and wait > self.patience.longest:
            what = f"asks to come back in {max(1, round(wait / 60))} minutes (it answers {code})."
            raise Failure(Problem(where=self.server, what=what, hint="Nothing is lost. Run it again then."))
        if code == 429:
            raise _Again("it limits the number of requests", wait)
        if code >= 500:
            if is_write:
                if wait:
                    self._not_before = self._now() + wait
                raise Unsure(f"it answers {code}")
            raise _Again(f"it answers {code}", wait)
        if code in {409, 412, 428} and is_write:
            raise Moved(said)
        raise self._refused(code, said, is_write)

    def _note_pace(self, response: httpx2.Response) -> None:
        """Obeys Backoff, which may ride on any answer, and hides it from pyzotero, which would sleep by itself."""
        for name in ("Backoff", "Retry-After"):
            value = response.headers.get(name)
            if value and value.isascii() and value.isdigit() and response.status_code < 300:
                self._not_before = self._now() + min(float(value), self.patience.longest)
                del response.headers[name]

    def _no_zotero(self) -> Failure:
        what = "answers, but not as a Zotero server does."
        return Failure(
            Problem(where=self.server, what=what, hint=f"Check {self.named_by}, and the network's login page.")
        )

    def _refused(self, code: int, said: str, is_write: bool) -> Failure:
        hints = {
            401: ("refuses the key", "Run `refsync login`, or check ZOTERO_API_KEY."),
            403: (
                "refuses the key" if not is_write else "refuses to write",
                "`refsync status` says what the key may do.",
            ),
            404: ("has no such library", "Check the user or group, and that the key may read it."),
            413: ("takes no request of this size", "Please report this."),
        }
        what, hint = hints.get(code, (f"answers {code}", "`refsync status` says more."))
        if code < 400:
            what, hint = "sends to another address", f"Name that one in {self.named_by}; a key is never sent along."
        if "text/html" in said:
            said = ""
        kind = Locked if code == 401 else Failure
        return kind(Problem(where=self.server, what=f"{what}{f' ({said})' if said else ''}.", hint=hint))


def _proxy(server: str) -> str | None:
    """The proxy that the environment names for a server."""
    parts = urlsplit(server)
    if not parts.hostname or parts.hostname in {"localhost", "127.0.0.1", "::1"} or proxy_bypass(parts.hostname):
        return None
    return getproxies().get(parts.scheme)


def _said(response: httpx2.Response) -> str:
    """What an error says, on one line; the server escapes it, and a proxy's page says nothing."""
    text = response.text.strip()
    if text[:1] in {"<", "{"} or len(text) > 300:
        return ""
    return " ".join(html.unescape(text).split())


def _seconds(response: httpx2.Response) -> float | None:
    for name in ("Retry-After", "Backoff"):
        value = response.headers.get(name, "")
        if value.isascii() and value.isdigit():
            return float(value)
    return None


def _why(error: Exception) -> str:
    """Why a connection failed, in words."""
    if isinstance(error, httpx2.TimeoutException):
        return "it did not answer in time"
    text = " ".join(str(error).split())
    if isinstance(error, httpx2.ConnectError):
        return f"it cannot be reached ({text})" if text else "it cannot be reached"
    return f"the connection broke ({text})" if text else "the connection broke"
