"""Knows what a list elsewhere holds today: its bytes, the revision that pins them, and what became of its address."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from refsync import documents
from refsync.model import Failure, Problem
from refsync.remote import Remote
from refsync.repositories import Repository
from refsync.web import Reply, Sources, mirrored, raw_addresses, shown

_API, _RAW = "https://api.github.com", "https://raw.githubusercontent.com"
_SHA = "application/vnd.github.sha"
_MARKUP = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.I | re.S
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A list as it is today: its bytes, verbatim, the revision (a commit, or the SHA-256 of the bytes), and what a person
    should know of its address."""

    data: bytes
    sha: str
    notices: tuple[Problem, ...] = ()


def fetched(one: Remote, web: Sources, folder: Path) -> Fetched:
    """What the list holds today; paths of repositories are relative to `folder`.

    Raises Failure, in one clear line that shows no secret, where it cannot be reached, is no longer there, or is no text.
    """
    found = _KINDS[one.kind](one, web, folder)
    where = shown(one.url)
    if not found.data.strip():
        raise Failure(Problem(where=where, what="is empty now.", hint="Look at it before you go on."))
    if _MARKUP.match(found.data[:4096]):
        hint = "Name the address of the text itself."
        raise Failure(Problem(where=where, what="is a web page now, not a list.", hint=hint))
    documents.decoded(found.data, where)
    return found


def _of_text(one: Remote, web: Sources, folder: Path) -> Fetched:
    reply = web.reply(raw_addresses(one.url)[0], seen=one.url)
    if reply.problem is not None:
        raise Failure(reply.problem)
    told = (_moved(one, reply.moved),) if reply.moved else ()
    return Fetched(data=reply.body, sha=hashlib.sha256(reply.body).hexdigest(), notices=told)


def _of_github(one: Remote, web: Sources, folder: Path) -> Fetched:
    place, notices = one.repository, list[Problem]()
    reply = web.reply(f"{_API}/repos/{place}/commits/{quote(one.ref)}", seen=one.url, accept=_SHA)
    sha = reply.body.decode("ascii", "replace").strip()
    if reply.problem is not None or not re.fullmatch(r"[0-9a-f]{40,64}", sha):
        raise Failure(_refused(one, reply))
    if reply.moved:
        place = _new_name(one, web)
        notices.append(_moved(one, f"https://github.com/{place}" if place != one.repository else None))
    data = _raw(one, web, place, sha)
    if one.sha and one.sha != sha:
        notices += _rewritten(one, lambda old: _is_after(one, web, place, old, sha))
    return Fetched(data=data, sha=sha, notices=tuple(notices))


def _raw(one: Remote, web: Sources, place: str, sha: str) -> bytes:
    for path in one.paths:
        reply = web.reply(f"{_RAW}/{place}/{sha}/{quote(path)}", seen=one.url)
        if reply.status == 404:
            continue
        if reply.problem is not None:
            raise Failure(reply.problem)
        return reply.body
    hint = "Name the file: https://github.com/OWNER/NAME/blob/BRANCH/PATH."
    raise Failure(Problem(where=shown(one.url), what=f"has no {one.paths[0]} at {sha[:7]}.", hint=hint))


def _refused(one: Remote, reply: Reply) -> Problem:
    """Why GitHub names no commit."""
    where, hint = shown(one.url), "Look at it in a browser, and mend `sources` in refsync.yaml."
    if reply.status == 404:
        return Problem(where=where, what="there is no such repository any more, or it is private (404).", hint=hint)
    if reply.status == 409:
        return Problem(where=where, what="is empty: it has no commit yet.", hint=hint)
    if reply.status == 422:
        return Problem(where=where, what=f"has no branch, tag or commit {one.ref!r}.", hint=hint)
    if reply.status in {403, 429}:
        what = f"GitHub answers no more questions for now ({reply.status})."
        return Problem(where=where, what=what, hint="Try again in an hour.")
    return reply.problem or Problem(where=where, what="GitHub's answer names no commit.", hint="Try again later.")


def _new_name(one: Remote, web: Sources) -> str:
    """How a repository that has moved is called now; its old name where GitHub does not say."""
    with suppress(Failure, ValueError, AttributeError):
        name = json.loads(web.reply(f"{_API}/repos/{one.repository}", seen=one.url).body).get("full_name")
        if isinstance(name, str) and re.fullmatch(r"[\w.-]+/[\w.-]+", name):
            return name
    return one.repository


def _is_after(one: Remote, web: Sources, place: str, old: str, sha: str) -> bool | None:
    """Whether a commit comes after another, None where GitHub does not say."""
    with suppress(Failure, ValueError, AttributeError):
        reply = web.reply(f"{_API}/repos/{place}/compare/{old}...{sha}?per_page=1", seen=one.url)
        if reply.status == 404:
            return False
        if reply.problem is None:
            return {"ahead": True, "identical": True, "diverged": False, "behind": False}.get(
                json.loads(reply.body).get("status")
            )
    return None


def _of_git(one: Remote, web: Sources, folder: Path) -> Fetched:
    there = Repository(url=mirrored(one.url, web.mirror), shown=shown(one.url), folder=folder.absolute())
    sha = there.commit(one.ref)
    data = there.file(sha, one.paths)
    is_new = bool(one.sha) and one.sha != sha
    told = _rewritten(one, lambda old: there.descends(sha, old)) if is_new else []
    return Fetched(data=data, sha=sha, notices=tuple(told))


def _rewritten(one: Remote, is_after: Callable[[str], bool | None]) -> list[Problem]:
    """What is told where the pinned commit is none of the new one's ancestors."""
    old = one.sha or ""
    if one.ref == old or not re.fullmatch(r"[0-9a-f]{7,64}", old) or is_after(old) is not False:
        return []
    what = f"its history was rewritten: the pinned commit {old[:7]} is no part of it any more. The new one is taken."
    return [Problem(where=shown(one.url), what=what, hint="Look at the difference before you commit it.")]


def _moved(one: Remote, to: str | None) -> Problem:
    what = f"has moved to {to}." if to else "has moved."
    return Problem(where=shown(one.url), what=what, hint="Name its new address in refsync.yaml.")


_KINDS = {"github": _of_github, "git": _of_git, "text": _of_text}


def with_note(failure: Failure) -> Failure:
    """A Failure that says that nothing has changed."""
    what = failure.problem.what
    if "Nothing changed" not in what:
        what = f"{what} Nothing changed."
    return Failure(replace(failure.problem, what=what), code=failure.code)
