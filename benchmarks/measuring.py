"""Knows how long something takes and how much memory: calls and whole processes, in seconds of a processor.

On a machine that others use too, the time on the clock says how busy they are. The time of a processor says less of that,
and the best of several runs least; processes are few and long, so there the median stands.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """Seconds of a processor, seconds on the clock, and the most memory in MB (0 for a call)."""

    cpu: float
    wall: float
    memory: float = 0


def call(function: Callable[[], object], times: int = 7) -> Cost:
    """The best of several calls."""
    costs = []
    for _ in range(times):
        start, clock = time.process_time(), time.perf_counter()
        function()
        costs.append(Cost(time.process_time() - start, time.perf_counter() - clock))
    return min(costs)


# A process begins as a copy of the one that starts it, and its memory counts from there: so a small one starts it.
_LAUNCHER = """
import os, subprocess, sys, time
clock = time.perf_counter()
running = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, used = os.wait4(running.pid, 0)
running.returncode = status
print(status, used.ru_utime + used.ru_stime, time.perf_counter() - clock, used.ru_maxrss / 1024)
"""


def process(command: Sequence[str | Path], folder: Path, times: int = 3) -> Cost | None:
    """The median run of a whole process, with those that it starts; None when it fails."""
    costs = []
    for _ in range(times):
        launcher = [sys.executable, "-S", "-c", _LAUNCHER, *map(str, command)]
        done = subprocess.run(launcher, cwd=folder, capture_output=True, text=True, check=True)
        status, *cost = map(float, done.stdout.split())
        if status:
            return None
        costs.append(Cost(*cost))
    return Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))
