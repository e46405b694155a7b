"""Knows what a folder held at an earlier revision, through git."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from refsync.model import Failure, Problem


@contextmanager
def at(folder: Path, revision: str, where: str = "--since") -> Iterator[Path]:
    """A folder that holds what `folder` held at a revision (a commit, a branch, `HEAD~3`), removed afterwards.

    `where` is the option or argument that named it.

    Raises Failure (exit 2) when there is no such revision, or no git.
    """
    if revision.startswith("-"):
        raise _failure(where, revision, "is no revision")
    top, prefix = (
        _git(folder, where, revision, "rev-parse", one).decode().strip() for one in ("--show-toplevel", "--show-prefix")
    )
    # All of the repository: settings may name files outside the folder.
    data = _git(Path(top), where, revision, "archive", "--format=tar", revision)
    with TemporaryDirectory(prefix="refsync-") as name:
        place = Path(name) / Path(top).name  # a list without a title is called as its folder
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(place, filter="data")
        yield place / prefix


def _git(folder: Path, where: str, revision: str, *command: str) -> bytes:
    try:
        done = subprocess.run(["git", *command], cwd=folder, capture_output=True, check=False)
    except FileNotFoundError:
        raise _failure(where, revision, "cannot be looked up: git is not installed") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise _failure(where, revision, f"cannot be looked up: {said[0] if said else 'git failed'}")
    return done.stdout


def _failure(where: str, revision: str, why: str) -> Failure:
    what = f"{revision} {why}."
    return Failure(Problem(where=where, what=what, hint="Name a commit or branch of this repository."), code=2)
