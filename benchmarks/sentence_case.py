"""How many titles a style in sentence case prints right: python -m benchmarks.sentence_case [--errors HALF]

Writes the titles of tests/cases/titles/sentence-case.tsv as BibTeX, and has bibtex (plain.bst) and pandoc's citeproc
(APA) print them. The figures of both halves stand in docs/exports.md; the half `gate` is never looked at for tuning.
"""

from __future__ import annotations

import csv
import html
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from refsync import formats
from refsync.mapping import Tables
from refsync.model import Catalog, Entry

CASES = Path(__file__).parent.parent / "tests" / "cases" / "titles" / "sentence-case.tsv"
_ITEM = re.compile(r"\\bibitem\{k(\d+)\}\s*(.*?)\.?\s*\n\n", re.DOTALL)
_COMMAND = re.compile(r"\\([&%#_$])|[{}]|\\newblock")


def titles() -> list[dict[str, str]]:
    """The rows: published, sentence, venue, year, half."""
    with CASES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def by_bibtex(published: Sequence[str], folder: Path) -> list[str]:
    """The titles as plain.bst prints them."""
    _write(published, folder / "x.bib")
    (folder / "x.aux").write_text("\\citation{*}\n\\bibstyle{plain}\n\\bibdata{x}\n")
    subprocess.run(["bibtex", "x"], cwd=folder, capture_output=True, check=True)
    found = dict(_ITEM.findall((folder / "x.bbl").read_text(encoding="utf-8")))
    printed = (found.get(f"{at:04}", "") for at in range(len(published)))
    return [" ".join(_COMMAND.sub(lambda one: one[1] or "", text.replace("\n", " ")).split()) for text in printed]


def by_pandoc(published: Sequence[str], folder: Path) -> list[str]:
    """The titles as pandoc takes them from the .bib file for a style in sentence case."""
    _write(published, folder / "x.bib")
    command = ["pandoc", "x.bib", "-f", "bibtex", "-t", "csljson"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True, text=True, encoding="utf-8")
    found: Mapping[str, str] = {one["id"]: one["title"] for one in json.loads(done.stdout)}
    return [html.unescape(re.sub(r"<[^<>]+>", "", found[f"k{at:04}"])) for at in range(len(published))]


def _write(published: Sequence[str], path: Path) -> None:
    entries = tuple(Entry(key=f"k{at:04}", title=title) for at, title in enumerate(published))
    bibtex = formats.named("bibtex")
    assert bibtex is not None
    path.write_text(bibtex.write(Catalog(id="x", title="", entries=entries), Tables()).text, encoding="utf-8")


_AFTER_COLON = re.compile(r": \W*\w")


def alike(printed: str, wanted: str, program: str) -> bool:
    """Whether a printed title has the case that is wanted; spaces and quotation marks are not its subject.

    Nor is the letter after a colon, where a citeproc style raises it by its own rule.
    """
    forms = [
        _AFTER_COLON.sub(lambda one: one[0].upper(), one) if program == "pandoc" else one for one in (printed, wanted)
    ]
    plain = [re.sub(r"[\s\"'`‘’“”.~–-]+", "", one) for one in forms]
    return plain[0] == plain[1]


def main() -> None:
    """Prints the share of right titles per half and program; with --errors HALF also the wrong ones."""
    rows = titles()
    with tempfile.TemporaryDirectory() as name:
        for program, printed_by in (("plain.bst", by_bibtex), ("pandoc", by_pandoc)):
            printed = printed_by([row["published"] for row in rows], Path(name))
            for half in ("tune", "gate"):
                found = [(one, row) for one, row in zip(printed, rows, strict=True) if row["half"] == half]
                wrong = [(one, row) for one, row in found if not alike(one, row["sentence"], program)]
                print(f"{program:10} {half}: {1 - len(wrong) / len(found):.1%} of {len(found)}")
                if sys.argv[1:] == ["--errors", half]:
                    for one, row in wrong:
                        print(f"    {one}\n    {row['sentence']}\n")


if __name__ == "__main__":
    main()
