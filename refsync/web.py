"""Knows the web: HTTP sessions with retries, a cache, a pace and a limit of size. The one door of requests.

Lists are fetched here for `refsync read`, and metadata for `refsync resolve`; a build never touches the network.
"""

from __future__ import annotations

import io
import ipaddress
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

from refsync import __version__, caches, documents
from refsync.model import Failure, Problem

T = TypeVar("T")
LARGEST = 20_000_000  # bytes of a list; the largest of thousands of public ones has a tenth of it
_TIMEOUT = (10, 60)  # seconds to connect, and between two pieces of an answer
_FRESH = 600  # seconds that an answer is used without asking again; then it is asked for conditionally
_RAW = "https://raw.githubusercontent.com"


def is_address(text: str) -> bool:
    """Whether a LIST is an address on the web rather than a path."""
    return bool(re.match(r"https?://", text, re.IGNORECASE))


def raw_addresses(url: str) -> tuple[str, ...]:
    """Where the text of a list stands that a person sees at `url`, best guess first; `url` itself for other pages."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    path = [part for part in parts.path.split("/") if part]
    if host == "github.com" and len(path) >= 2:
        owner, name = path[0], path[1].removesuffix(".git")
        if len(path) > 4 and path[2] in {"blob", "raw", "edit"}:
            return (f"{_RAW}/{owner}/{name}/{'/'.join(path[3:])}",)
        folder = "/".join(path[3:]) if len(path) > 3 and path[2] == "tree" else "HEAD"
        if len(path) == 2 or path[2] == "tree":
            return tuple(f"{_RAW}/{owner}/{name}/{folder}/{file}" for file in ("README.md", "readme.md", "README.rst"))
    if host == "gist.github.com" and len(path) == 2:
        return (f"https://gist.githubusercontent.com/{path[0]}/{path[1]}/raw",)
    if "/-/blob/" in parts.path:  # GitLab, wherever it is hosted
        return (urlunsplit((parts.scheme, parts.netloc, parts.path.replace("/-/blob/", "/-/raw/", 1), "", "")),)
    return (url,)


class _Kept:
    """A session whose answers are kept in a file of a folder: `with` closes it. Where no file can be kept, they are kept for
    this run; `problems` tell why."""

    def __init__(self, folder: Path, name: str, adapter: Any, **kept: Any) -> None:
        self._place = folder.absolute() / f"{name}.sqlite"
        self._adapter, self._kept = adapter, kept
        place, self.problems = caches.usable(self._place, _is_ours)
        try:
            self.session: Any = self._opened(place)
        except sqlite3.Error as error:
            self.problems = (*self.problems, caches.without(self._place, error))
            self.session = self._opened(None)

    def _opened(self, place: Path | None) -> Any:
        from requests_cache import CachedSession

        backend = "sqlite" if place else "memory"
        session = CachedSession(str(place), backend=backend, **{"stale_if_error": True, **self._kept})
        if place:
            serializer: Any = session.cache.responses.serializer
            serializer.loads = partial(_loaded, serializer.loads)
        session.mount("https://", self._adapter)
        session.mount("http://", self._adapter)
        session.headers["User-Agent"] = f"refsync/{__version__}"
        return session

    def _tried(self, ask: Callable[[], T]) -> T:
        """What came of a question. A cache that fails in the middle of a run is done without from there on."""
        import requests

        try:
            return ask()
        except sqlite3.Error as error:
            self.problems = (*self.problems, caches.without(self._place, error))
            self.session.close()
            self.session = self._opened(None)
        except requests.exceptions.RequestException:
            raise
        except OSError as error:  # requests' own way to say that a file of certificates is not there
            hint = "Mend or unset REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE."
            raise Failure(Problem(where="the certificates", what=f"{str(error).rstrip('.')}.", hint=hint)) from None
        return ask()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.session.close()


def _is_ours(base: sqlite3.Connection) -> bool:
    """Whether a file is one of requests-cache's."""
    columns = ("key", "value", "expires")
    return all(caches.fits(base, table, columns, key=("key",)) for table in ("responses", "redirects"))


def _loaded(loads: Callable[[bytes], object], data: bytes) -> object:
    """A kept answer. One that cannot be read is one that is not there, which requests-cache tells by a KeyError."""
    from requests_cache.models.response import CachedResponse

    try:
        found = loads(data)
    except Exception:  # damaged pickles raise what their bytes happen to spell
        found = None
    if not isinstance(found, CachedResponse):
        raise KeyError("damaged")
    return found


class Web(_Kept):
    """A session: `with Web(folder) as web: web.text(url)`. Answers are kept in `folder`."""

    def __init__(self, folder: Path, *, largest: int = LARGEST) -> None:
        self.largest = largest
        super().__init__(
            folder,
            "lists",
            _adapter(largest),
            expire_after=_FRESH,
            allowable_codes=(200,),
            ignored_parameters=["token", "access_token"],
        )

    def text(self, url: str) -> tuple[str, str]:
        """(text, address it came from) of the list at `url`. Raises Failure in one clear line."""
        candidates = raw_addresses(url)
        for at, address in enumerate(candidates):
            answer = self._answer(address)
            if answer.status_code == 404 and at + 1 < len(candidates):
                continue
            _check(answer, url)
            return documents.decoded(answer.content, shown(url)), address
        raise AssertionError("raw_addresses names at least one")  # pragma: no cover

    def _answer(self, address: str, seen: str | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """The answer of `address`, which a person knows as `seen`."""
        import requests

        where = shown(seen or address)
        try:
            return self._tried(lambda: self.session.get(address, headers=headers, timeout=_TIMEOUT))
        except _TooLarge:
            what = f"holds more than {self.largest / 1e6:.0f} MB; that is no list."
            raise Failure(Problem(where=where, what=what, hint="Check the address.")) from None
        except requests.exceptions.InvalidURL:
            raise Failure(Problem(where=where, what="is no address.", hint="Check it.")) from None
        except requests.exceptions.RequestException as error:
            what = f"cannot be reached: {_reason(error)}."
            hint = "Check the address and the connection, or save the list and name the file."
            raise Failure(Problem(where=where, what=what, hint=hint)) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What stands at an address now. `problem` says why it is no text, None where it is one; `moved` where the server says
    that it stands for good by now."""

    status: int
    body: bytes
    problem: Problem | None = None
    moved: str | None = None


class Sources(Web):
    """A session that follows lists elsewhere: `with Sources(folder) as web: web.reply(url)`. What is kept in `folder` is only
    used when the server says that it is still so, never instead of its answer. `mirror` stands for all hosts."""

    def __init__(self, folder: Path, *, largest: int = LARGEST, mirror: str | None = None) -> None:
        self.largest, self.mirror = largest, mirror
        _Kept.__init__(
            self,
            folder,
            "sources",
            _adapter(largest, _SOON),
            expire_after=0,  # and so asked for again each time, by a conditional request
            stale_if_error=False,
            allowable_codes=(200,),
            ignored_parameters=["token", "access_token"],
        )

    def reply(self, url: str, *, seen: str | None = None, accept: str = "*/*") -> Reply:
        """What stands at `url`, which a person knows as `seen`. Raises Failure where there is no way to it."""
        seen = seen or url
        answer = self._answer(mirrored(url, self.mirror), seen, {"Accept": accept})
        try:
            _check(answer, seen)
            problem = None
        except Failure as failure:
            problem = failure.problem
        hops = [one.status_code for one in answer.history]
        moved = shown(answer.url) if hops and set(hops) <= {301, 308} else None
        return Reply(status=answer.status_code, body=answer.content, problem=problem, moved=moved)


def mirrored(url: str, mirror: str | None) -> str:
    """Where `url` is asked for: below the mirror, when there is one, without what it says of a login."""
    parts = urlsplit(url)
    if not mirror or parts.scheme not in {"http", "https"}:
        return url
    host = parts.netloc.rpartition("@")[2]
    return f"{mirror.rstrip('/')}/{host}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def mirror(environment: Mapping[str, str] = os.environ) -> str | None:
    """The address under which all sources are found instead of their own: $REFSYNC_MIRROR. Raises Failure when it is none."""
    given = environment.get("REFSYNC_MIRROR", "").strip()
    if not given:
        return None
    try:
        parts = urlsplit(given)
        # A port that is no number shows where it is asked for.
        is_good = bool(parts.hostname) and parts.port != 0 and not re.search(r"[\s?#]", given)
    except ValueError:
        is_good = False
    if not is_good or not is_address(given):
        hint = "Give it as http://localhost:8080."
        raise Failure(Problem(where="REFSYNC_MIRROR", what=f"{given[:60]!r} is no address on the web.", hint=hint))
    return given


def shown(url: str) -> str:
    """An address as it is shown: without a password and without what may be a token."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit((parts.scheme, f"{host}{port}", quote(parts.path, safe="/%:@~+-._!$&'()*,;="), "", ""))


def _check(answer: Any, url: str) -> None:
    if answer.status_code != 200:
        what = {
            404: "there is no such page (404).",
            401: "asks for a login (401).",
            403: "is not for everybody, or refused as a robot (403).",
            429: "asks to come back later (429).",
        }.get(answer.status_code, f"answered {answer.status_code}.")
        hint = "Check the address in a browser, or save the list and name the file."
        raise Failure(Problem(where=shown(url), what=what, hint=hint))
    if _type_of(answer) in _PAGES:
        hint = "Name the address of the Markdown itself (on GitHub: the repository, or the button Raw)."
        raise Failure(Problem(where=shown(url), what="is a web page, not a list in Markdown.", hint=hint))


_NO_WAY = "no connection"
_PAGES = frozenset(["text/html", "application/xhtml+xml"])


def _type_of(answer: Any) -> str:
    """The media type of an answer, without its parameters."""
    return str(answer.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


def _reason(error: Exception) -> str:
    """What went wrong, in a few words: never the whole chain of exceptions, which names addresses with their secrets."""
    text = type(error).__name__
    return {
        "ConnectionError": _NO_WAY,
        "ConnectTimeout": "no answer in time",
        "ReadTimeout": "no answer in time",
        "SSLError": "its certificate is not valid",
        "TooManyRedirects": "it leads in a circle",
        "RetryError": "the server is not well",
        "MissingSchema": "it is no address",
        "InvalidURL": "its address, or that of the proxy, is none",
        "InvalidProxyURL": "the address of the proxy is none",
        "InvalidSchema": "there is no way to such an address, or by such a proxy",
        "ChunkedEncodingError": "the answer broke off",
    }.get(text, text)


class _TooLarge(Exception):
    """An answer over the limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long a server is waited for: `retries` after a failure, `backoff` seconds doubled from one to the next, but no
    longer than `longest` for one of them (a server that asks for more is not asked again), and seconds to connect and
    between two pieces of an answer."""

    retries: int = 3
    backoff: float = 1.0
    longest: float = 60.0
    timeout: tuple[float, float] = _TIMEOUT
    whole: float = 300.0  # seconds that a whole answer may take


_LISTS = Patience(backoff=0.5)
_SOON = Patience(retries=2, backoff=0.5, longest=10.0)
# The headers with secrets, by the scheme and host that alone may see them: a redirect takes none elsewhere.
_Origins = dict[tuple[str, str], dict[str, str]]


def _adapter(
    largest: int,
    patience: Patience = _LISTS,
    pace: _Pace | None = None,
    origins: _Origins | None = None,
    unreachable: Collection[str] = (),
) -> Any:
    from requests.adapters import HTTPAdapter
    from requests.exceptions import ChunkedEncodingError, ReadTimeout
    from urllib3 import HTTPResponse
    from urllib3 import exceptions as broken
    from urllib3.util.retry import Retry

    class Limited(HTTPAdapter):
        """Reads no more of an answer than `largest` bytes, and so holds it in memory at most once."""

        def send(self, request: Any, *args: Any, **named: Any) -> Any:
            if pace is None:
                return super().send(request, *args, **named)
            host = urlsplit(request.url).netloc
            carrying = request.copy()
            carrying.headers.update((origins or {}).get(_origin(request.url), {}))
            pace.wait(host)
            try:
                answer = super().send(carrying, *args, **named)
            finally:
                pace.done(host)
            pace.learn(host, answer.headers)
            answer.request = request  # the one without secrets: it is what the cache keeps
            return answer

        def build_response(self, req: Any, resp: Any) -> Any:
            data = bytearray()
            end = time.monotonic() + patience.whole
            try:
                for piece in resp.stream(65536, decode_content=True):
                    data += piece
                    if len(data) > largest:
                        resp.close()
                        raise _TooLarge
                    if time.monotonic() > end:
                        resp.close()
                        raise ReadTimeout("the answer takes too long", request=req)
            except broken.ReadTimeoutError as error:
                raise ReadTimeout(error, request=req) from None
            except broken.HTTPError as error:
                raise ChunkedEncodingError(error, request=req) from None
            headers = {name: value for name, value in resp.headers.items() if name.lower() != "content-encoding"}
            whole = HTTPResponse(
                body=io.BytesIO(bytes(data)),
                headers=headers,
                status=resp.status,
                version=resp.version,
                reason=resp.reason,
                preload_content=False,
                request_method=req.method,
                request_url=req.url,
            )
            return super().build_response(req, whole)

    class Bounded(Retry):
        """A server that asks to be left alone for longer than a person waits is left alone. One to which there is no way is
        tried twice, and once where there was none to others either: that is no matter of seconds."""

        def increment(self, *args: Any, **named: Any) -> Any:
            error = named.get("error")
            error = getattr(error, "original_error", error)  # a proxy's
            if isinstance(error, broken.NewConnectionError) and (self.history or unreachable):
                raise broken.MaxRetryError(named.get("_pool"), "", error)  # type: ignore[arg-type]
            answer = named.get("response") or (args[2] if len(args) > 2 else None)
            if answer is not None and (self.get_retry_after(answer) or 0) > patience.longest:
                raise broken.MaxRetryError(named.get("_pool"), "", None)  # type: ignore[arg-type]
            return super().increment(*args, **named)

    retry = Bounded(
        total=patience.retries,
        backoff_factor=patience.backoff,
        backoff_max=patience.longest,
        status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods=frozenset({"GET", "HEAD", "POST"}),  # what is posted here are questions
        respect_retry_after_header=True,
        raise_on_status=False,
    )
    return Limited(max_retries=retry)


# ---------------------------------------------------------------------------------------------------------------
# Sources of metadata

State = Literal["found", "missing", "limited", "blocked", "down", "offline"]
_RECORDS, _MISSES = timedelta(days=30), timedelta(days=7)  # that an answer, and that a "no such work", is believed
# What pages say that ask whether a person is there (Anubis, Cloudflare and their like).
_BOT_CHECK = re.compile(
    rb"not a (?:ro)?bot|just a moment|proof.of.work|captcha|challenge-platform|ChallengeRequired|enable javascript",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of a source. `header` is a name and the secret it carries; it goes to this origin only.

    `is_good` says whether a body of one of the types that it `accepts` is an answer; what is not is neither believed nor
    kept. `pace` is the least number of seconds between two questions to its host.
    """

    url: str
    params: tuple[tuple[str, str], ...] = ()
    body: object = None
    accepts: tuple[str, ...] = ("application/json",)
    header: tuple[str, str] | None = field(default=None, repr=False)
    is_good: Callable[[bytes], bool] = bool
    pace: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of a question. Only `found` and `missing` say anything about a work; `why` is said to a person."""

    state: State
    body: bytes = b""
    why: str = ""


class _Pace:
    """When each host may be asked again. A host that names its own rates is believed."""

    def __init__(self, sleep: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._sleep, self._clock = sleep, clock
        self.least: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def wait(self, host: str) -> None:
        left = self._last.get(host, float("-inf")) + self.least.get(host, 0.0) - self._clock()
        if left > 0:
            self._sleep(left)

    def done(self, host: str) -> None:
        self._last[host] = self._clock()

    def learn(self, host: str, headers: Mapping[str, str]) -> None:
        """Crossref's headers: so many questions in so many seconds."""
        limit, interval = headers.get("x-rate-limit-limit", ""), headers.get("x-rate-limit-interval", "")
        if limit.isascii() and limit.isdigit() and int(limit) and (found := re.fullmatch(r"(\d+)s", interval)):
            self.least[host] = max(self.least.get(host, 0.0), int(found[1]) / int(limit))


class Services(_Kept):
    """A session that asks sources of metadata: `with Services(folder) as services: services.ask(question)`.

    Answers are kept in `folder`: each is asked for once. `is_offline`: what is not kept is not asked.
    """

    def __init__(
        self,
        folder: Path,
        *,
        contact: str | None = None,
        is_offline: bool = False,
        patience: Patience = Patience(),
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.is_offline = is_offline
        self._patience = patience
        self._pace = _Pace(sleep, clock)
        self._origins: _Origins = {}
        self._contact = contact
        self._unreachable: set[str] = set()
        super().__init__(
            folder,
            "metadata",
            _adapter(LARGEST, patience, self._pace, self._origins, self._unreachable),
            expire_after=_RECORDS,
            only_if_cached=is_offline,
            allowable_codes=(200, 404),
            allowable_methods=("GET", "POST"),
            ignored_parameters=["mailto", "api_key"],
        )

    def ask(self, question: Question, *, is_fresh: bool = False) -> Answer:
        """What a source answers. Never raises for what a server or the network does. `is_fresh`: what is kept is not
        believed, and replaced."""
        answer = self._asked(question, is_fresh=is_fresh and not self.is_offline)
        if isinstance(answer, Answer):
            return answer
        if _is_kept(answer) and answer.status_code == 404 and _age(answer) > _MISSES and not self.is_offline:
            self._forget(answer.cache_key)
            answer = self._asked(question)
            if isinstance(answer, Answer):
                return answer
        told = _told(answer, question)
        if told.state not in {"found", "missing", "offline"}:
            if key := getattr(answer, "cache_key", None):
                self._forget(key)
            if _is_kept(answer) and not self.is_offline:
                return self.ask(question)
        return told

    def _forget(self, key: str) -> None:
        self._tried(lambda: self.session.cache.delete(key))

    def _asked(self, question: Question, *, is_fresh: bool = False) -> Any:
        import requests

        host = urlsplit(question.url).netloc
        self._pace.least.setdefault(host, question.pace)
        mine = self._origins.setdefault(_origin(question.url), {})
        if self._contact:
            mine["User-Agent"] = f"refsync/{__version__} (mailto:{self._contact})"
        if question.header is not None and is_private(question.url):
            mine[question.header[0]] = question.header[1]
        if host in self._unreachable:
            return Answer(state="down", why=_NO_WAY)
        method = "GET" if question.body is None else "POST"
        try:
            return self._tried(
                lambda: self.session.request(
                    method,
                    question.url,
                    params=list(question.params),
                    json=question.body,
                    headers={"Accept": ", ".join(question.accepts)},
                    timeout=self._patience.timeout,
                    force_refresh=is_fresh,
                )
            )
        except _TooLarge:
            return Answer(state="down", why="an answer of more than 20 MB")
        except requests.exceptions.RequestException as error:
            if _is_unreachable(error):
                self._unreachable.add(host)
            return Answer(state="down", why=_reason(error))


def _is_unreachable(error: Exception) -> bool:
    """Whether there was no way to a server at all: no such name, or nobody listens."""
    from urllib3.exceptions import NewConnectionError

    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(getattr(reason, "original_error", reason), NewConnectionError)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def is_private(url: str) -> bool:
    """Whether what is sent to `url` can be read by its server alone: over TLS, or on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return True
    try:
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _is_kept(answer: Any) -> bool:
    return bool(getattr(answer, "from_cache", False))


def _age(answer: Any) -> timedelta:
    made: datetime = answer.created_at
    now = datetime.now(UTC)
    return now - (made if made.tzinfo else made.replace(tzinfo=UTC))


def _told(answer: Any, question: Question) -> Answer:
    """What an HTTP response says: of the work, of the source, or of the wall before it."""
    status, body = answer.status_code, answer.content
    kind = _type_of(answer)
    is_page = kind in _PAGES

    def told(state: State, why: str = "") -> Answer:
        return Answer(state=state, body=body if state == "found" else b"", why=why)

    if status == 504 and _is_kept(answer):
        return told("offline")
    if status == 429:
        return told("limited", "it asks to come back later (429)")
    if (is_page or status == 403) and _BOT_CHECK.search(body[:20000]):
        return told("blocked", "it asks whether a person is there (bot check)")
    if status in {401, 403}:
        return told("blocked", f"it refuses ({status})")
    if status == 404:
        return told("missing")
    if status != 200:
        return told("down", f"it answered {status}")
    if is_page and "text/html" not in question.accepts:
        return told("blocked", "it shows a web page instead of an answer (bot check)")
    if kind not in question.accepts:
        return told("down", f"it answered in {kind or 'no type'}")
    if not question.is_good(body):
        return told("down", "its answer cannot be read")
    return told("found")


def standard_input() -> str:
    """The list on standard input: UTF-8, whatever the terminal's encoding is."""
    return documents.decoded(sys.stdin.buffer.read(), "-")
