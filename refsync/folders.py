"""Knows where refsync keeps what outlives a run: what can be had again (the cache), and what cannot (its state)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from refsync.model import Failure, Problem


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of what was fetched: $REFSYNC_CACHE_DIR, else the user's own cache. Raises Failure where there is no home."""
    return _folder(environment, "cache")


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of what must not be lost: $REFSYNC_STATE_DIR, else the user's own. Raises Failure where there is no home."""
    return _folder(environment, "state")


def _folder(environment: Mapping[str, str], what: str) -> Path:
    variable = f"REFSYNC_{what.upper()}_DIR"
    named = environment.get(variable)
    try:
        if named:
            return Path(named).expanduser()
        import platformdirs

        of_user = platformdirs.user_cache_dir if what == "cache" else platformdirs.user_state_dir
        return Path(of_user("refsync", appauthor=False)).expanduser()
    except RuntimeError:
        why = "there is no home folder" + (f" for {named}." if named else " for it to lie in.")
        raise Failure(Problem(where=f"the {what}", what=why, hint=f"Name a folder with {variable}.")) from None
