"""Fails when refsync has become twice as slow as it was: python -m benchmarks.gate [--record]

Small sizes, the best of seven, as a ratio to encoding the same data as JSON in the same run, so that a slow machine changes
little. --record writes the ratios that later runs are held against.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from benchmarks import measuring, works
from refsync import formats
from refsync.formats import csl
from refsync.formats.options import PLAIN
from refsync.mapping import Tables

RECORDED = Path(__file__).parent / "gate.json"
NAMES = ("bibtex", "biblatex", "csl", "ris", "catalog-lines")
COUNT, WORSE = 2000, 2.0


def ratios() -> dict[str, float]:
    """What writing and reading each format costs, in JSON encodings of the same works."""
    catalog, tables = works.catalog(COUNT), Tables()
    items = [dict(one) for one in csl.items(catalog, tables, PLAIN)[0]]
    limit = measuring.call(lambda: msgspec.json.encode(items), 21).cpu
    found = {}
    for name in NAMES:
        one = formats.named(name)
        assert one is not None
        text = one.write(catalog, tables).text
        found[f"write {name}"] = measuring.call(lambda one=one: one.write(catalog, tables)).cpu / limit
        found[f"read {name}"] = measuring.call(lambda one=one, text=text: one.read(text, "x", tables)).cpu / limit
    return {name: round(value, 1) for name, value in found.items()}


def main() -> int:
    """Prints each ratio beside the recorded one; 1 when one of them is twice as large."""
    found = ratios()
    if "--record" in sys.argv:
        RECORDED.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        return 0
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    slow = [name for name, value in found.items() if value > WORSE * recorded[name]]
    if slow:  # another process may have been in the way; what is slow twice is slow
        again = ratios()
        found |= {name: min(found[name], again[name]) for name in slow}
        slow = [name for name in slow if found[name] > WORSE * recorded[name]]
    for name, value in found.items():
        print(f"{name:22} {value:8.1f} JSON encodings, recorded {recorded[name]:8.1f}{'  TOO SLOW' * (name in slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
