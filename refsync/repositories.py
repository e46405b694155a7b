"""Knows git repositories elsewhere, through git: which commit a branch is at, and what a file holds there."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from refsync.model import Failure, Problem

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LONGEST = 600  # seconds that git may take
# No question at a terminal, and none of the transports that run a program of the address's choosing.
_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "LC_ALL": "C"}
# What a hook of git sets is meant for the repository that the hook runs in.
_OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_COMMON_DIR")


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A repository elsewhere: the address that git is given, how that is shown, and where a path is relative to."""

    url: str
    shown: str
    folder: Path

    def commit(self, ref: str) -> str:
        """The commit that `ref` is at (a branch, a tag, HEAD, or a commit itself). Raises Failure where there is none."""
        if _COMMIT.fullmatch(ref):
            return ref
        lines = self._git(self.folder, "ls-remote", "--", self._address, ref).decode("utf-8", "replace").splitlines()
        found = {name: sha for sha, _, name in (line.partition("\t") for line in lines)}
        for name in (f"refs/heads/{ref}", f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", ref):
            if name in found:
                return found[name]
        what = "is empty: it has no commit yet." if ref == "HEAD" else f"has no branch or tag {ref!r}."
        raise Failure(Problem(where=self.shown, what=what, hint="Mend `ref` in refsync.yaml."))

    def file(self, commit: str, paths: Sequence[str]) -> bytes:
        """The first of the files at a commit. Raises Failure where it has none of them."""
        with self._fetched(commit) as base:
            inside = self._git(base, "ls-tree", "-r", "-z", "--name-only", commit).split(b"\0")
            name = next((one for one in paths if one.encode() in inside), None)
            if name is None:
                what = f"has no {paths[0]} at {commit[:7]}."
                raise Failure(
                    Problem(where=self.shown, what=what, hint="Name a repository whose README.md is the list.")
                )
            return self._git(base, "cat-file", "blob", f"{commit}:{name}")

    def descends(self, commit: str, old: str) -> bool:
        """Whether a commit has another among its ancestors."""
        with self._fetched(commit, depth=None) as base:
            done = self._run(base, "merge-base", "--is-ancestor", old, commit)
            return done.returncode == 0

    @contextmanager
    def _fetched(self, commit: str, depth: int | None = 1) -> Iterator[Path]:
        """A bare repository that holds a commit, removed afterwards. Without a `depth` it holds the commits before it, too, but
        no file of them where the server can leave them out."""
        much = [f"--depth={depth}"] if depth else ["--filter=tree:0"]
        with TemporaryDirectory(prefix="refsync-") as name:
            base = Path(name)
            self._git(base, "init", "-q", "--bare")
            what = ("--no-tags", "--", self._address, commit)
            if (
                self._run(base, "fetch", "-q", *much, *what).returncode != 0
            ):  # a plain server of files leaves nothing out
                self._git(base, "fetch", "-q", *what)
            yield base

    @property
    def _address(self) -> str:
        """The address as git understands it in any folder."""
        is_path = "://" not in self.url and not re.match(r"[\w.-]+@[\w.-]+:", self.url)
        return str((self.folder / self.url).absolute()) if is_path else self.url

    def _git(self, folder: Path, *command: str) -> bytes:
        done = self._run(folder, *command)
        if done.returncode != 0:
            hint = "Check the address, `ref` and the connection."
            raise Failure(Problem(where=self.shown, what=f"cannot be reached: {self._why(done.stderr)}.", hint=hint))
        return done.stdout

    def _run(self, folder: Path, *command: str) -> subprocess.CompletedProcess[bytes]:
        environment = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS} | _QUIET
        environment.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
        try:
            return subprocess.run(
                ["git", *command], cwd=folder, env=environment, capture_output=True, check=False, timeout=_LONGEST
            )
        except FileNotFoundError:
            hint = "Install git, or name the address of the list's text."
            raise Failure(Problem(where=self.shown, what="git is not installed.", hint=hint)) from None
        except subprocess.TimeoutExpired:
            hint = "Try again later."
            raise Failure(Problem(where=self.shown, what="git got no answer in time.", hint=hint)) from None

    def _why(self, said: bytes) -> str:
        """What git complains of, in one line, without an address: a password may be in it."""
        lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()]
        line = next((one for one in lines if one.startswith(("fatal:", "ERROR:", "error:"))), "git failed")
        line = line.partition(": ")[2] or line
        line = line.replace(self._address, self.shown).replace(self.url, self.shown)
        return re.sub(r"//[^/\s'@]*@", "//", line).rstrip(".")[:160]
