"""Knows the keyring of the system, where there is one. The one door of keyring."""

from __future__ import annotations

from typing import Any


class NoKeyring(Exception):
    """That keys cannot be kept, and why."""


def of_system() -> Any:
    """The system's keyring. Raises NoKeyring where there is none; a keyring itself fails in as many ways as there are
    desktops."""
    try:
        import keyring
        from keyring.backends import fail
    except ImportError:
        raise NoKeyring("is not installed, so no key can be kept.") from None
    if isinstance(keyring.get_keyring(), fail.Keyring):
        raise NoKeyring("the system has none, so no key can be kept.")
    return keyring
