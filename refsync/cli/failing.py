"""Knows how a command ends that cannot go on: one line on stderr, and the exit code of the contract."""

from __future__ import annotations

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


def to_stdout(text: str) -> None:
    """Writes data to standard output. Where there is none, nobody has them: the command has failed."""
    if sys.stdout is None:
        raise SystemExit(FAILED)
    click.echo(text, nl=False)


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
        where = str(error.filename or "standard output")
        raise Refused(Problem(where=where, what=f"{error.strerror or error}."), FAILED) from None
