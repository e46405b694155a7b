"""Knows the commands that keep a key and forget it: login, logout."""

from __future__ import annotations

import os

import click

from refsync.cli.failing import failures


@click.command()
def login() -> None:
    """Let refsync write to your Zotero library: opens Zotero's own page, and keeps the key in the system's keyring."""
    with failures():
        from refsync.sync import login as logging_in

        logging_in.check_keyring()
        found = logging_in.log_in(os.environ, _open_page)
        logging_in.keep(found)
        click.echo(f"logged in as {found.user}; the key is in the keyring of this system", err=True)
        click.echo("Next: refsync sync --library user --dry-run", err=True)


@click.command()
def logout() -> None:
    """Forget the key that `refsync login` has kept."""
    with failures():
        from refsync.sync import login as logging_in
        from refsync.sync import places

        server = places.origin(os.environ.get("ZOTERO_API_URL") or places.ZOTERO)
        was = logging_in.forget(server)
        click.echo(f"the key of {server} is forgotten" if was else f"no key of {server} was kept", err=True)
        click.echo("To make it invalid, remove it at https://www.zotero.org/settings/keys", err=True)


def _open_page(address: str) -> None:
    import webbrowser

    click.echo(f"Allow refsync at {address}", err=True)
    webbrowser.open(address)
