"""Knows the other programs that write and read bibliographies, and how each is run over one file as a whole process.

Those in Python live in an environment of their own, because bibtexparser 2 and the version that refsync uses do not live
in one; those of Node in a folder of packages.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PYTHON = ("bibtexparser==2.0.0b9", "pybtex==0.26.1", "rispy==0.10.0")
NODE = ("@citation-js/core", "@citation-js/plugin-bibtex", "@citation-js/plugin-csl")

# Each reads the file that is its argument, and tells how long it takes to write it again.
_SCRIPTS = {
    "bibtexparser 2": "import bibtexparser as b; x = b.parse_file(FILE); w = lambda: b.write_string(x)",
    "pybtex": "from pybtex.database import parse_file; x = parse_file(FILE); w = lambda: x.to_string('bibtex')",
    "rispy": "import rispy; x = rispy.load(open(FILE, encoding='utf-8')); w = lambda: rispy.dumps(x)",
}
_AROUND = """
import sys, time
FILE = sys.argv[1]
start = time.process_time()
{script}
read = time.process_time() - start
def timed():
    start = time.process_time(); w(); return time.process_time() - start
print(read, min(timed() for _ in range(3)))
"""
_CITATION_JS = """
const {Cite} = require('@citation-js/core');
for (const one of ['bibtex', 'csl']) require('@citation-js/plugin-' + one);
const seconds = () => { const used = process.cpuUsage(); return (used.user + used.system) / 1e6; };
const start = seconds();
const cite = new Cite(JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8')), {generateGraph: false});
const read = seconds() - start;
cite.format('bibtex');
console.log(read, seconds() - start - read);
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A program: its name, the ending of the file that it is run over, what it makes of it, and the command before the
    name of that file. `tells` when it prints the seconds of reading and of writing. `most` entries are enough of it."""

    name: str
    reads: str
    makes: str
    command: tuple[str, ...]
    tells: bool = False
    most: int = 1_000_000


def found(folder: Path | None) -> tuple[list[Peer], list[str]]:
    """The peers that can be run here, and the names of those that cannot. In `folder` those that have no place of their own
    are installed."""
    peers, missing = [], []
    python = _python(folder) if folder else None
    for name, script in _SCRIPTS.items():
        ending = ".ris" if name == "rispy" else ".bib"
        code = _AROUND.format(script=script)
        module = name.split()[0]
        if python and not subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode:
            peers.append(
                Peer(name=name, reads=ending, makes=ending, command=(str(python), "-c", code), tells=True, most=5000)
            )
        else:
            missing.append(name)
    if folder and _node(folder):
        command = ("node", "-e", _CITATION_JS)
        peers.append(Peer(name="citation-js", reads=".json", makes=".bib", command=command, tells=True, most=5000))
    else:
        missing.append("citation-js")
    for name, ending, command, most in (
        ("pandoc", ".json", ("pandoc", "-f", "csljson", "-t", "bibtex"), 5000),
        ("biber --tool", ".bib", ("biber", "--tool", "--quiet", "--output-file", "biber.bib"), 500),
    ):
        if shutil.which(command[0]):
            peers.append(Peer(name=name, reads=ending, makes=".bib", command=command, most=most))
        else:
            missing.append(name)
    return peers, missing


def told(peer: Peer, file: Path, folder: Path) -> tuple[float, float] | None:
    """The seconds of reading and of writing that a peer tells of itself; None when it fails."""
    done = subprocess.run([*peer.command, str(file)], cwd=folder, capture_output=True, text=True)
    with suppress(ValueError):
        read, write = map(float, done.stdout.split())
        return read, write
    return None


def _python(folder: Path) -> Path | None:
    place = folder / "python"
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(place, with_pip=True)
        _ran([str(python), "-m", "pip", "install", "--quiet", *PYTHON])
    return python if python.exists() else None


def _node(folder: Path) -> bool:
    if shutil.which("npm") and not (folder / "node_modules").exists():
        _ran(["npm", "install", "--silent", "--prefix", str(folder), *NODE])
    return (folder / "node_modules" / "@citation-js").exists()


def _ran(command: Sequence[str]) -> None:
    subprocess.run(command, capture_output=True, check=False)
