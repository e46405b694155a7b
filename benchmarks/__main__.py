"""How fast refsync is beside its peers and beside the limit: python -m benchmarks [--entries N] [--peers FOLDER] [--write]

Makes a catalog of N works, and has refsync and the peers write and read it, as calls and as whole processes. --peers names
a folder, outside of the project, in which the peers from PyPI and npm are installed. --write puts the table into
docs/speed.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks import measuring, peers, works
from benchmarks.measuring import Cost
from refsync import formats
from refsync.formats import csl
from refsync.formats.options import PLAIN
from refsync.mapping import Tables

PAGE = Path(__file__).parent.parent / "docs" / "speed.md"
ENDINGS = {"bibtex": ".bib", "biblatex": ".biblatex.bib", "csl": ".json", "ris": ".ris", "catalog-lines": ".jsonl"}
CALLS = 10_000


class Line(NamedTuple):
    """A line of a table: who does what, with how many entries, and what that costs."""

    who: str
    what: str
    count: int
    cost: Cost | None


def made(folder: Path, count: int) -> None:
    """The files of a catalog of so many works, one in each format."""
    works.write_lines(folder / f"{count}.jsonl", count)
    for name, ending in ENDINGS.items():
        if name != "catalog-lines":
            _refsync(folder, f"{count}.jsonl", f"{count}{ending}", "--to", name)


def calls(folder: Path, count: int) -> Iterator[Line]:
    """What refsync writes and reads in one process, beside the limit."""
    catalog, tables = works.catalog(count), Tables()
    items = [dict(one) for one in csl.items(catalog, tables, PLAIN)[0]]
    yield Line("the limit", "encode the CSL items as JSON", count, measuring.call(lambda: msgspec.json.encode(items)))
    for name in ENDINGS:
        one = formats.named(name)
        assert one is not None
        yield Line("refsync", f"write {name}", count, measuring.call(lambda one=one: one.write(catalog, tables)))
    for name in ENDINGS:
        one = formats.named(name)
        assert one is not None
        text = one.write(catalog, tables).text
        yield Line(
            "refsync", f"read {name}", count, measuring.call(lambda one=one, text=text: one.read(text, "x", tables), 3)
        )


def of_peers(folder: Path, run: list[peers.Peer], count: int) -> Iterator[Line]:
    """What the peers write and read in one process, by their own account; and all of them as whole processes."""
    for peer in run:
        number = min(count, peer.most)
        file = folder / f"{number}{peer.reads}"
        if not file.exists():
            made(folder, number)
        if peer.tells:
            read, write = peers.told(peer, file, folder) or (None, None)
            yield Line(peer.name, f"write {peer.makes}", number, Cost(write, write) if write else None)
            yield Line(peer.name, f"read {peer.reads}", number, Cost(read, read) if read else None)
    for peer in run:
        number = min(count, peer.most)
        command = (*peer.command, folder / f"{number}{peer.reads}")
        yield Line(peer.name, f"process: {peer.reads} to {peer.makes}", number, measuring.process(command, folder))


def processes(folder: Path, count: int) -> Iterator[Line]:
    """refsync as whole processes, beside copying the file."""
    source = folder / f"{count}.jsonl"
    yield Line(
        "the limit", "copy the .jsonl", count, measuring.call(lambda: shutil.copyfile(source, folder / "copy"), 3)
    )
    for ending in (".bib", ".json", ".ris"):
        command = (sys.executable, "-m", "refsync", "convert", source, f"out{ending}")
        yield Line("refsync", f"process: .jsonl to {ending}", count, measuring.process(command, folder))
    help = measuring.process((sys.executable, "-m", "refsync", "--help"), folder, 9)
    yield Line("refsync", "process: --help", 1, help)


def _refsync(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "refsync", "convert", *arguments]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)


def table(lines: list[Line]) -> str:
    """The lines in Markdown, each with its ratio to the JSON encoding of as many entries."""
    limit = next(one for one in lines if one.who == "the limit" and one.cost)
    assert limit.cost is not None
    a_piece = limit.cost.cpu / limit.count
    out = [
        "| who | what | entries | entries/s | times the JSON encoding | seconds (clock) | MB |",
        "|:--|:--|--:|--:|--:|--:|--:|",
    ]
    for one in lines:
        if one.cost is None:
            out.append(f"| {one.who} | {one.what} | {one.count:,} | failed | | | |")
            continue
        each = one.cost.cpu / one.count
        speed = f"{1 / each:,.0f} | {each / a_piece:,.1f}" if one.count > 1 else " | "
        memory = f"{one.cost.memory:,.0f}" if one.cost.memory else ""
        out.append(
            f"| {one.who} | {one.what} | {one.count:,} | {speed} | {one.cost.cpu:.2f} ({one.cost.wall:.2f}) | {memory} |"
        )
    return "\n".join(out)


def main() -> None:
    """Prints the table, and writes it when asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000, help="works of the files (100000)")
    parser.add_argument("--peers", type=Path, help="a folder in which peers are installed")
    parser.add_argument("--write", action="store_true", help="put the table into docs/speed.md")
    asked = parser.parse_args()
    if asked.peers:
        asked.peers.mkdir(parents=True, exist_ok=True)
    run, missing = peers.found(asked.peers and asked.peers.resolve())
    with tempfile.TemporaryDirectory(dir=asked.peers) as name:
        folder = Path(name).resolve()
        works.write_lines(folder / f"{asked.entries}.jsonl", asked.entries)
        lines = [*calls(folder, min(asked.entries, CALLS)), *processes(folder, asked.entries)]
        lines += of_peers(folder, run, asked.entries)
    absent = f"Not installed here, and not run: {', '.join(missing)}.\n" if missing else ""
    head = f"{datetime.date.today()}, Python {platform.python_version()}, {os.cpu_count()} processors ({platform.machine()})"
    text = f"{head}. Ratios are of one run.\n\n{table(lines)}\n\n{absent}"
    print(text)
    if asked.write:
        begin, _, _ = PAGE.read_text(encoding="utf-8").partition("<!-- measured -->")
        PAGE.write_text(f"{begin}<!-- measured -->\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
