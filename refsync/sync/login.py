"""Knows how a person gives refsync a key: the server's login in the browser, where it has one; kept in the system's keyring."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx2

from refsync.model import Failure, Problem
from refsync.sync import keyrings
from refsync.sync.places import KEY_PAGE, ZOTERO, origin
from refsync.sync.transport import Moved, Patience, Transport, Unsure

_EXPIRES, _PAUSE = 900, 2.0  # seconds that a login stays open, and between two looks at it


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """Who has logged in: the server, the user, the key (not shown)."""

    server: str
    user: str
    key: str

    def __repr__(self) -> str:
        return f"Login({self.server!r}, {self.user!r})"


def log_in(
    environment: Mapping[str, str],
    show: Callable[[str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
    patience: Patience | None = None,
) -> Login:
    """Waits until a person has allowed refsync in the browser; `show` gets the address to open.

    Raises Failure where the server has no such login, or nobody has allowed it in time.
    """
    url = (environment.get("ZOTERO_API_URL") or ZOTERO).rstrip("/")
    server = origin(url)
    transport = Transport(url, patience or Patience())
    with httpx2.Client(transport=transport, follow_redirects=False) as client:
        try:
            begun = client.post(f"{url}/keys/sessions", json={}).json()
            token, address = str(begun["sessionToken"]), str(begun["loginURL"])
        except (ValueError, KeyError, TypeError, Moved, Unsure, Failure) as error:
            hint = f"Make a key at {KEY_PAGE} and put it into ZOTERO_API_KEY."
            what = f"offers no login ({error})." if isinstance(error, Failure) else "offers no login."
            raise Failure(Problem(where=server, what=what, hint=hint)) from None
        show(address)
        for _ in range(int(_EXPIRES / _PAUSE)):
            sleep(_PAUSE)
            found: Any = None
            with suppress(ValueError):
                found = client.get(f"{url}/keys/sessions/{token}").json()
            if isinstance(found, dict) and found.get("status") == "completed" and found.get("apiKey"):
                return Login(server=server, user=str(found.get("username") or found.get("userID")), key=found["apiKey"])
    raise Failure(Problem(where=server, what="the login was not confirmed in time.", hint="Run `refsync login` again."))


def keep(login: Login) -> None:
    """Puts the key into the system's keyring. Raises Failure where there is none."""
    _keyring().set_password("refsync", login.server, login.key)


def forget(server: str) -> bool:
    """Takes the key of a server out of the keyring; whether there was one. Raises Failure where there is no keyring."""
    ring = _keyring()
    if ring.get_password("refsync", server) is None:
        return False
    ring.delete_password("refsync", server)
    return True


def check_keyring() -> None:
    """Raises Failure, with what to do instead, where no key can be kept."""
    _keyring()


def _keyring() -> Any:
    hint = f"Install refsync[keyring]; or make a key at {KEY_PAGE} and put it into ZOTERO_API_KEY."
    try:
        return keyrings.of_system()
    except keyrings.NoKeyring as error:
        raise Failure(Problem(where="keyring", what=str(error), hint=hint)) from None
