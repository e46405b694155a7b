"""The command line: parses, calls one function, shows, sets the exit code."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, TextIO

import click

from refsync import __version__
from refsync.cli.failing import open_stdout, refused

# Each command and the module of this folder that knows it, imported when it is used: `cite` is typed in the middle of a
# sentence and must not wait for the others.
_COMMANDS = {
    "build": "building",
    "sync": "syncing",
    "resolve": "resolving",
    "check": "building",
    "read": "reading",
    "convert": "converting",
    "cite": "citing",
    "add": "adding",
    "diff": "comparing",
    "init": "beginning",
    "undo": "syncing",
    "status": "syncing",
    "login": "login",
    "logout": "login",
    "sandbox": "syncing",
    "rekey": "building",
    "pull": "pulling",
    "update": "updating",
    "merge-driver": "merging",
}


class _OnDemand(dict[str, Any]):
    """Commands by name, each imported when it is taken out."""

    def __getitem__(self, name: str) -> click.Command:
        found: click.Command = getattr(import_module(f"refsync.cli.{_COMMANDS[name]}"), name.replace("-", "_"))
        return found

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401 - this is that very get


@click.group(commands=_OnDemand(_COMMANDS), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="refsync %(version)s")
def cli() -> None:
    """Turns a survey list (an awesome list of papers) into a catalog, a bibliography and a Zotero library.

    Begin with: refsync sync PATH
    """


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
