"""Knows how to do the parts of a long task in two processes: each by itself, the results in order as if in one."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Sequence
from itertools import accumulate
from multiprocessing.connection import Connection
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")

_LONG = 4000  # lines; below it a second process saves less than a tenth of a second


def mapped(
    work: Callable[[Part], Result],
    parts: Sequence[Part],
    sizes: Sequence[int],
    told: Callable[[float], None] = lambda share: None,
) -> list[Result]:
    """What `work` makes of each part, the second half of it made by a copy of this process when the parts are long.

    `sizes` are those of the parts, in lines; `told` hears how much of them is done, 0..1. Results are sent back
    pickled; nothing else that `work` does is kept.
    """
    half = _middle(sizes) if sum(sizes) > _LONG and _may_fork() else len(parts)
    if half == len(parts):
        return _done(work, parts, sizes, told)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(sender, work, parts[half:]), daemon=True)
    child.start()
    sender.close()
    try:
        found = _done(work, parts[:half], sizes[:half], told)
        return found + (_received(receiver) or [work(part) for part in parts[half:]])
    finally:
        receiver.close()
        child.terminate()
        child.join()


def _done(
    work: Callable[[Part], Result], parts: Sequence[Part], sizes: Sequence[int], told: Callable[[float], None]
) -> list[Result]:
    """What `work` makes of each part here; the copy of this process is as far with its half."""
    whole = sum(sizes) or 1
    found: list[Result] = []
    for part, done in zip(parts, accumulate(sizes), strict=True):
        found.append(work(part))
        told(done / whole)
    return found


def _middle(sizes: Sequence[int]) -> int:
    """How many parts make the first half of them all, one at least."""
    half = sum(sizes) / 2
    return max(1, sum(total <= half for total in accumulate(sizes)))


def _may_fork() -> bool:
    """Whether a copy of this process would run: beside this one, and without a thread that it would lack.

    Only on Linux: the libraries of macOS do not bear it, and Windows has no fork.
    """
    return (
        sys.platform == "linux"
        and len(os.sched_getaffinity(0)) > 1
        and threading.active_count() == 1
        and threading.current_thread() is threading.main_thread()
        and not multiprocessing.current_process().daemon
    )


def _send(sender: Connection, work: Callable[[Part], Result], parts: Sequence[Part]) -> None:
    try:
        found = [work(part) for part in parts]
    except Exception:
        return  # nothing comes back, so that the part is done again, and fails, where it is seen
    sender.send(found)


def _received(receiver: Connection) -> list[Result] | None:
    """What the other process has made, None when it could not."""
    try:
        found: list[Result] = receiver.recv()
    except (EOFError, OSError):
        return None
    return found
