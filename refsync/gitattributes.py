"""Knows what git is told of the files that refsync writes: that they are generated, and how they are merged."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from refsync import documents, files, remote, settings
from refsync.build import CATALOG
from refsync.mergedriver import BASES
from refsync.model import Failure, Problem

ATTRIBUTES = ".gitattributes"
DRIVER = "refsync"


def attributes(text: str, exports: Iterable[str]) -> str:
    """The text of .gitattributes with a line for each file that refsync writes into a folder; lines that are there stay."""
    ours = f"merge={DRIVER} linguist-generated text eol=lf"
    wanted = {name: f"{name} {ours}" for name in (CATALOG, *exports, BASES)}
    wanted[f"{remote.FOLDER}/**"] = f"{remote.FOLDER}/** -text linguist-vendored"  # verbatim, and somebody else's
    told = (" merge", " -merge", " -text")  # what a person has told git themselves stays
    there = {line.split()[0] for line in text.splitlines() if line.split() and any(one in line for one in told)}
    lines = [line for name, line in wanted.items() if name not in there and not any(char.isspace() for char in name)]
    head = text if not text or text.endswith("\n") else f"{text}\n"
    return head + "".join(f"{line}\n" for line in lines)


def registered(folder: Path, command: str) -> files.Written:
    """Tells the repository of a folder which files refsync merges, and by which `command` (as a shell takes it): lines of
    .gitattributes, which are committed, and the driver in the configuration of this clone.

    Raises Failure when the folder is in no repository, or git is not there.
    """
    path = folder / ATTRIBUTES
    exports = settings.load(folder).exports
    data = documents.bytes_of(path, ATTRIBUTES) if path.exists() else b""
    text = attributes(data.decode("utf-8", "surrogateescape"), exports)
    _git(folder, "rev-parse", "--show-toplevel")
    written = files.write({path: text.encode("utf-8", "surrogateescape")})
    _git(folder, "config", f"merge.{DRIVER}.name", "refsync: by key, by record, or rebuilt")
    _git(folder, "config", f"merge.{DRIVER}.driver", f"{command} merge-driver %O %A %B %P")
    return written


def command() -> str:
    """How a shell calls refsync: by its name where it is on the path, else by the Python that runs now."""
    return "refsync" if shutil.which("refsync") else f"{shlex.quote(Path(sys.executable).as_posix())} -m refsync"


def _git(folder: Path, *command: str) -> None:
    where = str(folder)
    try:
        done = subprocess.run(["git", *command], cwd=folder, capture_output=True, check=False)
    except FileNotFoundError:
        raise Failure(Problem(where=where, what="git is not installed.", hint="Install it first.")) from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        what = f"{said[0].rstrip('.') if said else 'git failed'}."
        raise Failure(Problem(where=where, what=what, hint="Run `git init` there first."))
