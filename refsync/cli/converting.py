"""Knows the command `convert`: one file becomes another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from refsync.cli.failing import failures
from refsync.cli.wishes import wished, wishes
from refsync.model import Failure, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from refsync.model import Catalog

_SHOWN = 10


@click.command()
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@click.option("--from", "read_as", metavar="FORMAT", help="What IN is, when its ending does not tell.")
@click.option("--to", "write_as", metavar="FORMAT", help="What OUT shall be: csl-yaml, hayagriva, ...")
@click.option("--force", is_flag=True, help="Overwrite a file that refsync did not write.")
@wishes
def convert(source: str, target: str, read_as: str | None, write_as: str | None, force: bool, **given: Any) -> None:
    """Turn a list, a bibliography or a catalog into another format.

    IN and OUT are files, or - for standard input and output. Endings tell formats: .md .rst (lists), .bib, .json
    (CSL-JSON), .ris, .yaml and .jsonl (catalogs), and for OUT .html (a page to search) and .tex (a table of all entries);
    the names for --from and --to are list, bibtex, biblatex, csl, csl-yaml, ris, hayagriva, html, survey-table, catalog
    and catalog-lines. What OUT cannot hold is said.
    """
    with failures():
        from refsync import convert as converting
        from refsync import documents, files, selection
        from refsync.formats import cited
        from refsync.formats.options import PLAIN, checked, without_effect
        from refsync.mapping import Tables

        tables = Tables()
        wish = wished(given)
        _check_kind(read_as, converting.READABLE, "--from")
        _check_kind(write_as, converting.WRITABLE, "--to")
        into = converting.format_of(target, write_as, wish.dialect)
        _check_folder(target)
        keys = cited.keys(wish.cited)
        options = checked(wish.options(PLAIN, keys), tables)
        if target != "-" and not (wish.cited or wish.topic) and converting.flows(source, read_as, into, options):
            path = Path(target)
            if not force and not files.is_ours(path):
                raise files.not_ours(target, "Name another file, or pass --force.")
            if done := converting.flow(Path(source), path, into, tables, options):
                problems = [*(replace(one, where=target) for one in done.problems), *without_effect(wish, into.name)]
                _show(problems, done.count, target)
                return
        text, doubts = (_standard_input(), []) if source == "-" else documents.records_of(Path(source), source)
        found = converting.read(text, source, read_as, tables)
        catalog = selection.cited(found.catalog, keys) if wish.cited else found.catalog
        catalog = selection.under(catalog, wish.topic) if wish.topic else catalog
        export = converting.write(catalog, into, tables, options)
        problems = [*doubts, *found.problems, *(replace(one, where=target) for one in export.problems)]
        if wish.cited:
            problems += _missing(selection.missing(found.catalog, keys))
        if not catalog.entries:
            what = f"none of the {len(found.catalog.entries)} entries is asked for: the file holds none."
            problems.insert(0, Problem(where=target, what=what, hint="Look at --cited and --topic."))
        problems += without_effect(wish, into.name)
        if target == "-":
            click.echo(export.text, nl=False)
        else:
            path = Path(target)
            texts = {path: export.text, **{path.parent / name: one for name, one in export.beside.items()}}
            if not force:
                _check_free(texts, path, found.catalog, catalog)
            files.write(texts)
        _show(problems, len(catalog.entries), target)


def _check_folder(target: str) -> None:
    folder = Path(target).parent
    if target != "-" and not folder.is_dir():
        what = f"cannot be written: there is no folder {str(folder)!r}."
        raise Failure(Problem(where=target, what=what, hint="Make it, or name another file."))


def _check_free(texts: Mapping[Path, str], path: Path, whole: Catalog, chosen: Catalog) -> None:
    """Raises Failure (exit 4) when a file would be lost: another's, or one of works for one of none."""
    from refsync import files

    if (foreign := files.foreign(texts)) is not None:
        raise files.not_ours(str(foreign), "Name another file, or pass --force.")
    if whole.entries and not chosen.entries and path.exists() and path.name in files.compare(texts).changed:
        what = "would lose its entries: none is asked for. Nothing changed."
        raise Failure(Problem(where=str(path), what=what, hint="Look at --cited and --topic, or pass --force."), code=4)


def _check_kind(kind: str | None, known: Sequence[str], option: str) -> None:
    if kind is not None and kind not in known:
        what = f"no format is called {kind!r}."
        raise Failure(Problem(where=option, what=what, hint=f"Say one of {', '.join(known)}."), code=2)


def _standard_input() -> str:
    from refsync import web

    return web.standard_input()


def _missing(missing: dict[str, str | None]) -> list[Problem]:
    return [
        Problem(where="--cited", what=f"no entry has the key {key!r}.", hint=f"Did you mean {near}?" if near else "")
        for key, near in sorted(missing.items())
    ]


def _show(problems: Sequence[Problem], count: int, target: str) -> None:
    for one in problems[:_SHOWN]:
        click.echo(str(one), err=True)
    if len(problems) > _SHOWN:
        click.echo(f"and {len(problems) - _SHOWN} more", err=True)
    if target != "-":
        click.echo(f"wrote {target}: {count} {'entry' if count == 1 else 'entries'}", err=True)
