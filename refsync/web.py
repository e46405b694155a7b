"""Knows the web: one HTTP session with retries, a cache and a limit of size. The one door of requests.

Lists are fetched here for `refsync read`; a build never touches the network.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from refsync import __version__, documents
from refsync.model import Failure, Problem

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


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of what was fetched: $REFSYNC_CACHE_DIR, else the user's own cache."""
    if named := environment.get("REFSYNC_CACHE_DIR"):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("refsync", appauthor=False))


class Web:
    """A session: `with Web(folder) as web: web.text(url)`. Answers are kept in `folder`."""

    def __init__(self, folder: Path, *, largest: int = LARGEST) -> None:
        from requests_cache import CachedSession

        self.largest = largest
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what = f"cannot be made: {error.strerror or error}."
            raise Failure(Problem(where=str(folder), what=what, hint="Name another with REFSYNC_CACHE_DIR.")) from None
        self.session: Any = CachedSession(
            str(folder / "lists"),
            backend="sqlite",
            expire_after=_FRESH,
            stale_if_error=True,
            allowable_codes=(200,),
            ignored_parameters=["token", "access_token"],
        )
        adapter = _adapter(largest)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        self.session.headers["User-Agent"] = f"refsync/{__version__}"

    def __enter__(self) -> Web:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.session.close()

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

    def _answer(self, address: str) -> Any:
        import requests

        try:
            return self.session.get(address, timeout=_TIMEOUT)
        except _TooLarge:
            what = f"holds more than {self.largest / 1e6:.0f} MB; that is no list."
            raise Failure(Problem(where=shown(address), what=what, hint="Check the address.")) from None
        except requests.exceptions.InvalidURL:
            raise Failure(Problem(where=shown(address), what="is no address.", hint="Check it.")) from None
        except requests.exceptions.RequestException as error:
            what = f"cannot be reached: {_reason(error)}."
            hint = "Check the address and the connection, or save the list and name the file."
            raise Failure(Problem(where=shown(address), what=what, hint=hint)) from None


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
    if answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() in {
        "text/html",
        "application/xhtml+xml",
    }:
        hint = "Name the address of the Markdown itself (on GitHub: the repository, or the button Raw)."
        raise Failure(Problem(where=shown(url), what="is a web page, not a list in Markdown.", hint=hint))


def _reason(error: Exception) -> str:
    """What went wrong, in a few words: never the whole chain of exceptions, which names addresses with their secrets."""
    text = type(error).__name__
    return {
        "ConnectionError": "no connection",
        "ConnectTimeout": "no answer in time",
        "ReadTimeout": "no answer in time",
        "SSLError": "its certificate is not valid",
        "TooManyRedirects": "it leads in a circle",
        "RetryError": "the server is not well",
        "MissingSchema": "it is no address",
        "ChunkedEncodingError": "the answer broke off",
    }.get(text, text)


class _TooLarge(Exception):
    """An answer over the limit."""


def _adapter(largest: int) -> Any:
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPResponse
    from urllib3.util.retry import Retry

    class Limited(HTTPAdapter):
        """Reads no more of an answer than `largest` bytes, and so holds it in memory at most once."""

        def build_response(self, req: Any, resp: Any) -> Any:
            data = bytearray()
            for piece in resp.stream(65536, decode_content=True):
                data += piece
                if len(data) > largest:
                    resp.close()
                    raise _TooLarge
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

    retry = Retry(
        total=3, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), respect_retry_after_header=True
    )
    retry.raise_on_status = False
    return Limited(max_retries=retry)


def standard_input() -> str:
    """The list on standard input: UTF-8, whatever the terminal's encoding is."""
    return documents.decoded(sys.stdin.buffer.read(), "-")
