"""Knows how a command ends that cannot go on: one line on stderr, and the exit code of the contract."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from refsync.model import Failure, Problem

FAILED, FOUND = 1, 3


class Refused(click.ClickException):
    """A Failure as one line on stderr, with its exit code."""

    def __init__(self, problem: Problem, code: int) -> None:
        super().__init__(str(problem))
        self.exit_code = code  # type: ignore[misc]

    def show(self, file: Any = None) -> None:
        """Writes the line."""
        click.echo(f"{click.style('refsync:', fg='red')} {self.format_message()}", err=True)


class _Closed(io.StringIO):
    """Stands for a standard output that is not there: click passes over none, and a command that shows something to nobody
    would seem to have done it."""

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "is closed")


def open_stdout() -> None:
    """Sees to it that a process whose standard output is closed fails when it writes there, and that no file of its own
    comes to lie in its place."""
    if sys.stdout is None:
        os.open(os.devnull, os.O_WRONLY)
        sys.stdout = _Closed()


@contextmanager
def failures() -> Iterator[None]:
    """Turns a Failure, and a fault of the file system, into one line and an exit code."""
    try:
        yield
    except Failure as failure:
        raise Refused(failure.problem, failure.code) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(FAILED) from None
    except OSError as error:
        raise refused(error) from None


def refused(error: OSError) -> Refused:
    """A fault of the file system as one line; without the name of a file it is of standard output."""
    where = str(error.filename or "standard output")
    return Refused(Problem(where=where, what=f"{error.strerror or error}."), FAILED)
