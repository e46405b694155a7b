"""Knows what the address of a list elsewhere means: a repository on GitHub, one that git reaches, or a text on the web.

A build reads the copy of such a list that lies in the folder; only `refsync update` goes to the address.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from refsync.model import Failure, Problem
from refsync.settings import FILE, Pinned

FOLDER = "sources"  # of a survey folder: where the copies lie
_LISTS = ("README.md", "readme.md", "Readme.md")  # in a repository of which no file is named
_ENDINGS = (".md", ".markdown", ".mdown", ".rst", ".txt", ".bib", ".json", ".ris", ".yaml", ".jsonl")
_SECRETS = frozenset({"token", "access_token", "private_token", "api_key", "key"})
_SCP = re.compile(r"^[\w.-]+@[\w.-]+:[^/\\]")  # git@host:owner/name, which only git understands


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """A list elsewhere. `paths` are the files of a repository that may be it, best guess first; `ref` is a branch, a tag or
    a commit, HEAD where nobody named one; `repository` is "owner/name" on GitHub."""

    url: str
    kind: Literal["github", "git", "text"]
    sha: str | None = None
    ref: str = "HEAD"
    repository: str = ""
    paths: tuple[str, ...] = ()


def of(source: str | Pinned) -> Remote | None:
    """What a source of refsync.yaml means when it lies elsewhere; None for a file of this machine.

    Raises Failure for an address that is none.
    """
    if isinstance(source, str):
        if not _is_elsewhere(source):
            return None
        source = Pinned(url=source)
    parts = _parts(source.url)
    ref = source.ref or ""
    if ref.startswith("-") or re.search(r"[\s\x00-\x1f~^:?*\[\\]|\.\.", ref):
        what = f"`ref: {ref}` is no name of a branch, a tag or a commit."
        raise Failure(Problem(where=FILE, what=what, hint="Mend it there."))
    host = (parts.hostname or "").removeprefix("www.")
    path = [unquote(part) for part in parts.path.split("/") if part]
    if parts.scheme in {"http", "https"} and host == "github.com" and len(path) >= 2:
        return _on_github(source, path[0], path[1].removesuffix(".git"), path[2:])
    if parts.scheme in {"http", "https"} and host == "raw.githubusercontent.com" and len(path) > 3:
        return _on_github(source, path[0], path[1], ["blob", *path[2:]])
    if parts.scheme in {"http", "https"} and not parts.path.rstrip("/").endswith(".git"):
        return Remote(url=source.url, kind="text", sha=source.sha)
    return Remote(url=source.url, kind="git", sha=source.sha, ref=ref or "HEAD", paths=_LISTS)


def _is_elsewhere(source: str) -> bool:
    has_scheme = re.match(r"(https?|file|ssh|git)://", source, re.IGNORECASE)
    return bool(has_scheme or _SCP.match(source) or source.rstrip("/").endswith(".git"))


def _parts(url: str) -> SplitResult:
    """The parts of an address. Raises Failure for what git would take for an option or a program, and for what is none."""
    try:
        parts = urlsplit(url)
        is_good = bool(url.strip()) and url.isprintable() and not url.startswith("-") and "::" not in url.split("/")[0]
        is_good = is_good and parts.port != 0 and not (parts.scheme in {"http", "https", "ssh"} and not parts.hostname)
    except ValueError:
        is_good = False
    if not is_good:
        what = "`sources` names an address that is none."
        raise Failure(Problem(where=FILE, what=what, hint="Name one like https://github.com/owner/name."))
    return parts


def _on_github(source: Pinned, owner: str, name: str, rest: list[str]) -> Remote:
    """A repository, one of its folders (tree) or one of its files (blob); pages of another sort are texts."""
    named, inner = source.ref or "", rest[1:]
    if rest and (rest[0] not in {"blob", "raw", "edit", "tree"} or not inner):
        return Remote(url=source.url, kind="text", sha=source.sha)
    length = 1
    if inner[:2] == ["refs", "heads"]:
        inner = inner[2:]
    elif inner[: len(named.split("/"))] == named.split("/"):  # a name of a branch may hold a slash
        length = len(named.split("/"))
    ref, below = named or "/".join(inner[:length]), "/".join(inner[length:])
    if rest and rest[0] != "tree":
        paths: tuple[str, ...] = (below,)
    else:
        paths = tuple(f"{below}/{one}" if below else one for one in _LISTS)
    return Remote(
        url=source.url, kind="github", sha=source.sha, ref=ref or "HEAD", repository=f"{owner}/{name}", paths=paths
    )


def copies(sources: Sequence[str | Pinned]) -> dict[int, str]:
    """Where in the folder the copy of each source that lies elsewhere is, by its place among the sources.

    The name is made of the address alone, so that everybody who has the folder finds the copy; nothing secret is in it.
    """
    names = {at: _name(one) for at, source in enumerate(sources) if (one := of(source)) is not None}
    counts = Counter(name.casefold() for name in names.values())
    for at, name in names.items():
        if counts[name.casefold()] > 1:
            plain = PurePosixPath(name)
            names[at] = f"{plain.stem}-{_digest(repr(sources[at]))}{plain.suffix}"
    return {at: f"{FOLDER}/{name}" for at, name in names.items()}


def _name(one: Remote) -> str:
    parts = urlsplit(one.url)
    where = [part for part in unquote(parts.path).split("/") if part]
    if one.kind == "github":
        where = [one.repository, *([one.paths[0]] if len(one.paths) == 1 or "/" in one.paths[0] else [])]
    elif parts.hostname:
        where = [parts.hostname, *where]
    elif not _SCP.match(one.url):
        where = where[-1:]  # where a folder lies on somebody's machine is nobody else's business
    name = "/".join(where)
    ending = next((end for end in _ENDINGS if name.lower().endswith(end)), None) if one.kind != "git" else None
    stem = name[: -len(ending)] if ending else name.removesuffix(".git")
    query = [pair for pair in parse_qsl(parts.query) if pair[0].lower() not in _SECRETS]
    stem = re.sub(r"[^A-Za-z0-9._]+", "-", stem).strip("-.") or "list"
    if len(stem) > 80 or (query and one.kind == "text"):
        stem = f"{stem[:70]}-{_digest(f'{name} {query}')}"
    return stem + (ending or ".md")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
