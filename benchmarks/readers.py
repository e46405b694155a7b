"""What other programs read in the files that refsync writes: python -m benchmarks.readers [--differences]

Three catalogs are written as BibTeX, BibLaTeX, CSL-JSON and RIS, and every reader that is installed reads them. Title,
authors, year, venue, DOI and address of each entry are compared with the catalog. The figures stand in docs/readers.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from benchmarks.programs import READERS, Name, Read, Reads
from refsync import formats, identifiers
from refsync.formats import catalog as catalog_file
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Person

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "cases" / "formats" / "all"
CATALOGS = {
    "efficient-ai": ROOT / "examples" / "efficient-ai" / "catalog.yaml",
    "kinds": CASES / "kinds.yaml",
    "nasty": CASES / "nasty.yaml",
}
FIELDS = ("title", "authors", "year", "venue", "case of venue", "doi", "url")
# The kinds whose venue is a container; that of the others may stand with the publisher.
CONTAINED = frozenset({"article", "conference-paper", "workshop-paper", "chapter"})


# ------------------------------------------------------------------------------------------------------------------
# Comparison


def plain(text: str) -> str:
    """One spelling of quotation marks, dashes, spaces and composed letters."""
    text = re.sub("[‐-―]|--+", "-", re.sub("[‘’`´]", "'", re.sub("[“”„«»]|''|``", '"', text)))
    return " ".join(unicodedata.normalize("NFKC", re.sub("[\u00ad\u200b]", "", text)).split())


def lowered(title: str) -> str:
    """A title without the capitals that a sentence case may take; those inside a word it must keep."""
    return re.sub(r"(?<![^\W_])\w", lambda one: one[0].lower(), title)


def dotless(name: str) -> str:
    """A part of a name without the stops of its initials, which bibutils takes off and sets again."""
    return re.sub(r"\b(\w)\.", r"\1", plain(name))


def name_of(one: Person) -> Name:
    """The parts that a reader should find; a group is a family name."""
    family = " ".join(filter(None, (one.particle, one.family))) if one.literal is None else one.literal
    return family, one.given or "", one.suffix or ""


def differences(entry: Entry, read: Read, fmt: str) -> Iterator[tuple[str, object, object]]:
    """Field, what the catalog says, what the reader says."""
    title = [lowered(plain(one)) if read.sentence_case else plain(one) for one in (entry.title, read.title)]
    if title[0] != title[1]:
        yield "title", entry.title, read.title
    wanted = [tuple(map(dotless, name_of(one))) for one in entry.authors]
    people = [tuple(map(dotless, one)) for one in read.authors]
    if entry.authors_complete is False and people and people[-1][0] in {"others", "et al.", "et al"}:
        del people[-1]
    if wanted != people:
        yield "authors", wanted, people
    year = re.search(r"\b\d{4}\b", read.date)
    if (str(entry.year) if entry.year else "") != (year[0] if year else ""):
        yield "year", entry.date, read.date
    venue = plain(entry.venue.name) if entry.venue else ""
    containers, publishers = list(map(plain, read.containers)), list(map(plain, read.publishers))
    if entry.kind == "preprint":  # arXiv is a repository: its address or DOI names it too
        fits = not containers and (venue != "arXiv" or "arxiv" in f"{publishers} {read.doi} {read.urls}".lower())
    elif entry.kind in CONTAINED or not venue:
        fits = containers[:1] == ([venue] if venue else [])
    else:
        fits = venue in containers + publishers
    if not fits:
        only_case = read.sentence_case and lowered(venue) in map(lowered, containers + publishers)
        yield "case of venue" if only_case else "venue", venue, (*read.containers, *read.publishers)
    doi = entry.ids.get("doi", "")
    if not doi and fmt == "ris" and entry.kind == "preprint" and "arxiv" in entry.ids:
        doi = f"10.48550/arXiv.{entry.ids['arxiv']}"  # RIS has no other place for the number
    if read.doi.lower() != doi.lower():
        yield "doi", doi, read.doi
    links = [entry.links.get("paper"), entry.links.get("page")]
    links += [identifiers.link(one, entry.ids[one]) for one in ("acl", "openreview", "arxiv") if one in entry.ids]
    address = next(filter(None, links), "")
    said_by_doi = not read.urls and doi and address.lower().endswith(f"doi.org/{doi.lower()}")
    if not said_by_doi and [unquote(address)] != [unquote(one) for one in read.urls[:1]] and (address or read.urls):
        yield "url", address, read.urls


# ------------------------------------------------------------------------------------------------------------------
# The table


def compared(catalog: Catalog, reads: Reads, fmt: str) -> tuple[str, list[str]]:
    """A cell of the table, and one line a difference."""
    found = [
        (name, f"    {one.key} {name}: {wanted!r} | {got!r}")
        for one in catalog.entries
        if one.key in reads
        for name, wanted, got in differences(one, reads[one.key], fmt)
    ]
    counts = Counter(name for name, _ in found)
    total, right = len(catalog.entries), sum(one.key in reads for one in catalog.entries)
    if len(reads) > right:
        counts["no entry of the catalog"] = len(reads) - right
    faults = ", ".join(f"{name} {counts[name]}" for name in (*FIELDS, "no entry of the catalog") if counts[name])
    return f"{right}/{total}{': ' if faults else ''}{faults}", [line for _, line in found]


def main() -> None:
    """Prints a row a format and reader, a column a catalog; with --differences each value that differs as well."""
    catalogs = {name: catalog_file.read(path.read_text(encoding="utf-8"), name)[0] for name, path in CATALOGS.items()}
    print(f"| format | reader | {' | '.join(catalogs)} |\n|:--|:--|{':--|' * len(catalogs)}")
    details = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("bibtex", "biblatex", "csl", "ris"):
            fmt = formats.named(name)
            assert fmt is not None
            for reader in READERS:
                if name not in reader.formats or not reader.is_installed():
                    continue
                cells = []
                for title, catalog in catalogs.items():
                    path = Path(folder) / f"{title}.{name}"
                    path.write_text(fmt.write(catalog, Tables()).text, encoding="utf-8")
                    try:
                        cell, lines = compared(catalog, reader.reads(path, name), name)
                    except subprocess.CalledProcessError as error:
                        cell, lines = "stops", [f"    {error}"]
                    cells.append(cell)
                    details += [f"{name} {reader.name} {title}: {cell}", *lines]
                print(f"| {name} | {reader.name} | {' | '.join(cells)} |")
    if sys.argv[1:] == ["--differences"]:
        print("", *details, sep="\n")


if __name__ == "__main__":
    main()
