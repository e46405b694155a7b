"""What is found in lists: python -m benchmarks.reading LIST ... > table.md

One row a list: entries found, parts left out, mean confidence, and how many entries are sure.
"""

from __future__ import annotations

import sys
from pathlib import Path

from refsync.formats import survey
from refsync.formats.survey.confidence import SURE


def main() -> None:
    """Prints the table as Markdown."""
    print("| list | papers | resources | left out | mean confidence | sure |\n|:--|--:|--:|--:|--:|--:|")
    for path in map(Path, sys.argv[1:]):
        reading = survey.read(path.read_text(encoding="utf-8"), path.name)
        found = reading.accounts
        papers = sum(one.kind == "paper" for one in found)
        mean = sum(one.confidence for one in found) / max(len(found), 1)
        sure = sum(one.confidence >= SURE for one in found) / max(len(found), 1)
        name = path.stem.replace("__", "/")
        print(f"| {name} | {papers} | {len(found) - papers} | {len(reading.skipped)} | {mean:.2f} | {sure:.0%} |")


if __name__ == "__main__":
    main()
