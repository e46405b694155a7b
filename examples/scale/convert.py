"""Turns the lines of many catalogs (.jsonl, with or without their first line) into .bib, .json or .ris, on any scheduler:

    python convert.py 'parts/*.jsonl' out --to bibtex [--scheduler tcp://host:8786]

Each part becomes a file of its own. Keys are taken as they are: they must differ over all parts.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import dask.bag
from distributed import Client

from refsync import formats
from refsync.mapping import Tables
from refsync.model import Catalog, Entry


def text(entries: Iterable[Entry], name: str) -> Iterator[str]:
    """The entries of one part as the text of a file."""
    known = formats.named(name)
    if known is None:
        raise ValueError(f"no format is called {name!r}")
    yield known.write(Catalog(id="part", title="", entries=tuple(entries)), Tables()).text


def converted(parts: str, folder: Path, name: str) -> list[str]:
    """Converts all files that the pattern `parts` means; the paths of the files that were written."""
    lines = dask.bag.read_text(parts).filter(lambda line: not line.startswith('{"refsync"'))
    texts = lines.map(formats.entry).map_partitions(text, name)
    return list(texts.to_textfiles(str(folder / f"*.{name}")))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--to", default="bibtex", choices=["bibtex", "biblatex", "csl", "ris"])
    parser.add_argument("--scheduler")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with Client(asked.scheduler):
        print(*converted(asked.parts, asked.folder, asked.to), sep="\n")


if __name__ == "__main__":
    main()
