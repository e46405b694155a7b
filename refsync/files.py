"""Knows which files refsync wrote, and writes a set of files whole or not at all."""

from __future__ import annotations

import errno
import filecmp
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from refsync.model import Failure, Problem

MARK = "ritten by refsync"  # "Written by refsync build: ...", in the first line of whatever we write
_MARKS = (MARK, "written-by", "Provider: refsync")


def is_ours(path: Path) -> bool:
    """Whether a file was written by refsync: its first line says so. A file that is not there, or empty, is free."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise OSError(errno.EINVAL, "it is no ordinary file")
        with path.open("rb") as file:
            data = file.read(4096)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise unwritable(path, error) from None
    lines = [line for line in data.decode("utf-8", "replace").lstrip("\ufeff").splitlines() if line.strip()]
    if not lines or (len(lines) == 1 and lines[0].strip() == "[]"):
        return True
    return any(mark in lines[0] for mark in _MARKS) and "refsync" in lines[0]


def foreign(paths: Iterable[Path]) -> Path | None:
    """The first of the files that refsync did not write, None when all are its own or free."""
    return next((path for path in paths if not is_ours(path)), None)


def not_ours(where: str, hint: str, contents: str = "") -> Failure:
    """The Failure (exit 4) that says whose a file is; `contents` tells what it holds."""
    what = f"was not written by refsync{contents}. Nothing changed."
    return Failure(Problem(where=where, what=what, hint=hint), code=4)


def unwritable(path: Path, error: OSError) -> Failure:
    """The Failure that says why a file cannot be written."""
    why = error.strerror or str(error)
    hint = "Nothing changed. Check the permissions of the folder and the space on the disk."
    return Failure(Problem(where=path.name, what=f"cannot be written: {why}.", hint=hint))


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a set of files: names of those that changed and of those that were the same already."""

    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


def compare(texts: Mapping[Path, str | bytes]) -> Written:
    """Which files would change, without writing any."""
    same = {path for path, text in texts.items() if _bytes(path) == _encoded(text)}
    return Written(
        changed=tuple(path.name for path in texts if path not in same),
        unchanged=tuple(path.name for path in texts if path in same),
    )


def write(texts: Mapping[Path, str | bytes]) -> Written:
    """Writes all files or none: each to a temporary file beside it first, then renamed; what fails is put back. A folder
    that is not there is made.

    Raises Failure when a file cannot be written; the old files are then as they were.
    """
    result = compare(texts)
    pending = {target(path): _encoded(text) for path, text in texts.items() if _bytes(path) != _encoded(text)}
    made = [folder for folder in {path.parent for path in pending} if not folder.exists()]
    drafts: dict[Path, Path] = {}
    before: dict[Path, bytes | None] = {}
    current = next(iter(pending), Path())
    try:
        for current, data in pending.items():
            current.parent.mkdir(parents=True, exist_ok=True)
            drafts[current] = _draft(current, [data])
        for current, draft in list(drafts.items()):
            before[current] = _bytes(current)
            draft.replace(current)
            del drafts[current]
    except BaseException as error:
        # Also when a person interrupts: what was renamed goes back.
        for path, old in before.items():
            with suppress(OSError):
                _restore(path, old)
        if isinstance(error, OSError):
            raise unwritable(current, error) from None
        raise
    finally:
        for draft in drafts.values():
            with suppress(OSError):
                draft.unlink()
        for folder in made:
            with suppress(OSError):  # it holds what was written
                folder.rmdir()
    return result


_BATCH = 512  # pieces: a system call for each would take longer than to make it


def write_pieces(path: Path, pieces: Iterable[str]) -> Written:
    """Writes one file from the pieces of its text as they come, whole or not at all; it is never whole in memory.

    Raises Failure when it cannot be written, and whatever making the pieces raises; the old file is then as it was.
    """
    place, rest = target(path), iter(pieces)
    batches = iter(lambda: "".join(islice(rest, _BATCH)).encode("utf-8"), b"")
    try:
        draft = _draft(place, batches)
        try:
            if place.exists() and filecmp.cmp(draft, place, shallow=False):
                return Written(unchanged=(path.name,))
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
    return Written(changed=(path.name,))


def append(path: Path, text: str) -> None:
    """Adds whole lines to a file, and waits until they are on the disk. A line that a sudden end has cut off stays one of its
    own."""
    with path.open("a+b") as file:
        is_cut = False
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            is_cut = file.read(1) != b"\n"
        file.write(("\n" if is_cut else "").encode() + text.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())


def _encoded(text: str | bytes) -> bytes:
    return text.encode("utf-8") if isinstance(text, str) else text


def target(path: Path) -> Path:
    """The file behind a path: a link is written through, never replaced."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        raise unwritable(path, OSError(errno.ELOOP, "links lead in a circle")) from None


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _draft(path: Path, data: Iterable[bytes]) -> Path:
    """A temporary file beside `path` that holds all `data`, with the permissions that `path` has or a new file gets."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(data)
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        draft.chmod(mode)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    return draft


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _restore(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink()
    elif path.read_bytes() != data:
        _draft(path, [data]).replace(path)
