"""Knows how a person lets refsync write to Zotero on this machine: asked once, in a dialog of Zotero's; the key that comes of
it is kept in the system's keyring, or in a file of refsync's state that nobody else can read, and is shown nowhere."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2

from refsync import __version__
from refsync.model import Failure, Problem
from refsync.sync import keyrings

NAME = "refsync"  # how Zotero's dialog calls the program
_LONGEST = 600.0  # seconds that a person may take to answer
_ASKS = 2  # of one run: one that is answered with "Allow" is good for a single request
EXPLAINED = (
    'Zotero now asks whether refsync may change its library: click "Always Allow".'
    ' ("Allow" is for a single request, and a sync needs several. Zotero\'s settings, Advanced, take it back.)'
)


def client(*, connect: float, silence: float) -> httpx2.Client:
    """A client for Zotero on this machine, that waits so many seconds: no proxy, and no certificates, which take a while to
    be read."""
    return httpx2.Client(
        trust_env=False, verify=False, follow_redirects=False, timeout=httpx2.Timeout(connect, read=silence),
        headers={"Zotero-API-Version": "3", "User-Agent": f"refsync/{__version__}"},
    )  # fmt: skip


class Permission:
    """The key of one desktop: `url` of its API, `server` its Zotero-Server-ID. `show` gets what a person has to read before
    the dialog appears; `state` is refsync's own folder."""

    def __init__(self, url: str, server: str, state: Path, show: Callable[[str], None]) -> None:
        self._url, self._server, self._show = url, server, show
        self._file = state / "desktop-keys.json"
        self._asked = 0
        self._key: str | None = None

    def __repr__(self) -> str:
        return f"Permission({self._url!r})"

    def key(self) -> str:
        """The key that is kept, else one that a person is asked for. Raises Failure where the answer is no."""
        if self._key is None:
            self._key = self._kept() or self._ask()
        return self._key

    def refused(self) -> None:
        """The key is good no more: the next one is asked for."""
        if self._key is not None and self._kept() == self._key:
            self._keep(None)
        self._key = None

    def _ask(self) -> str:
        if self._asked == _ASKS:
            hint = 'Run it again, and click "Always Allow". What was written is kept.'
            raise self._failure("lets refsync write for a single request only.", hint)
        self._asked += 1
        self._show(EXPLAINED)
        key, is_lasting = self._answer()
        if is_lasting:
            self._keep(key)
        return key

    def _answer(self) -> tuple[str, bool]:
        """(a key, whether it is good for more than one request): what the person clicks."""
        later = "Nothing was written by this. Run it again."
        try:
            with client(connect=5.0, silence=_LONGEST) as asking:
                head = {"Zotero-Server-ID": self._server}
                answer = asking.post(f"{self._url}/local/authorize", json={"appName": NAME}, headers=head)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError):
            raise self._failure("did not answer whether refsync may write.", later) from None
        said: Any = None
        with suppress(ValueError):
            said = answer.json()
        if answer.status_code == 200 and isinstance(said, dict) and _is_key(said.get("key")):
            return said["key"], said.get("remember") is True
        if answer.status_code == 403 and isinstance(said, dict) and said.get("denied"):
            raise self._failure("does not let refsync write: that was denied in its dialog.", later)
        if answer.status_code == 429:
            raise self._failure("was asked too often whether refsync may write.", "Run it again in a minute.")
        raise self._failure(f"did not say whether refsync may write (it answers {answer.status_code}).", later)

    def _failure(self, what: str, hint: str) -> Failure:
        return Failure(Problem(where="Zotero", what=what, hint=hint))

    # ------------------------------------------------------------------------------------------------------------

    def _kept(self) -> str | None:
        if ring := _keyring():
            with suppress(Exception):  # a keyring fails in as many ways as there are desktops
                if found := ring.get_password(NAME, self._account):
                    return str(found)
        found = _read(self._file).get(self._server)
        return found if _is_key(found) else None

    def _keep(self, key: str | None) -> None:
        """Keeps a key, or forgets it. Where it cannot be kept, the next run asks again."""
        kept = _read(self._file)
        is_in_file = kept.pop(self._server, None) is not None
        is_in_ring = False
        if ring := _keyring():
            with suppress(Exception):
                if key is not None:
                    ring.set_password(NAME, self._account, key)
                    is_in_ring = True
                else:
                    ring.delete_password(NAME, self._account)
        if key is not None and not is_in_ring:
            _write(self._file, {**kept, self._server: key})
        elif is_in_file:
            _write(self._file, kept)

    @property
    def _account(self) -> str:
        return f"desktop {self._server}"


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isalnum()


def _keyring() -> Any:
    """The system's keyring, None where there is none."""
    with suppress(Exception):  # it fails in as many ways as there are desktops
        return keyrings.of_system()
    return None


def _read(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(file.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def _write(file: Path, keys: dict[str, Any]) -> None:
    """Writes keys where only this user reads them, from the first byte on."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
                out.write(json.dumps(keys, indent=1, sort_keys=True) + "\n")
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)
