"""The command line: parses, calls one function, shows what came of it, sets the exit code."""

from __future__ import annotations

import sys
from typing import TextIO

import click

from refsync import __version__
from refsync.cli.building import build, check, rekey
from refsync.cli.converting import convert
from refsync.cli.failing import open_stdout, refused
from refsync.cli.login import login, logout
from refsync.cli.pulling import pull
from refsync.cli.reading import read
from refsync.cli.resolving import resolve
from refsync.cli.syncing import sandbox, status, sync, undo


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="refsync %(version)s")
def cli() -> None:
    """Turns a survey list (an awesome list of papers) into a catalog, a bibliography and a Zotero library.

    Begin with: refsync sync PATH
    """


for _command in (build, sync, pull, resolve, check, read, convert, undo, status, login, logout, sandbox, rekey):
    cli.add_command(_command)


def _tolerant(stream: TextIO) -> None:
    """Lets a terminal of any encoding show any title: what it cannot show is escaped, never an error."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """The console script."""
    open_stdout()
    for stream in (sys.stdout, sys.stderr):
        _tolerant(stream)
    try:
        cli()
    except OSError as error:  # of what click itself shows: the help, the version
        one = refused(error)
        one.show()
        sys.exit(one.exit_code)
