"""Knows the programs that read bibliography files, and what each says of a work."""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import json
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

NODE_PACKAGES = ("core", "plugin-bibtex", "plugin-ris", "plugin-csl")
NODE_SCRIPT = """
const {Cite} = require('@citation-js/core');
for (const one of ['bibtex', 'ris', 'csl']) require('@citation-js/plugin-' + one);
const [file, forceType] = process.argv.slice(1);
const options = {generateGraph: false, ...(forceType ? {forceType} : {})};
console.log(JSON.stringify(new Cite(require('fs').readFileSync(file, 'utf8'), options).data));
"""

Name = tuple[str, str, str]  # family with its particle, given, suffix


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """What a reader says of one work; `sentence_case` when it lowers titles by its own rule."""

    title: str = ""
    authors: tuple[Name, ...] = ()
    date: str = ""
    containers: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    doi: str = ""
    urls: tuple[str, ...] = ()
    sentence_case: bool = False


Reads = Mapping[str, Read]


def _ran(*command: str, folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True, text=True, encoding="utf-8")
    return done.stdout.lstrip("\ufeff")


def by_pandoc(path: Path, fmt: str) -> Reads:
    """Titles of .bib files are in sentence case then, as pandoc's manual says."""
    found = json.loads(_ran("pandoc", str(path), "-f", {"csl": "csljson"}.get(fmt, fmt), "-t", "csljson"))
    return {one["id"]: _of_csl(one, sentence_case=fmt != "csl") for one in found}


def by_citation_js(path: Path, fmt: str) -> Reads:
    """Is told the format of .bib files and RIS, so that nothing hangs on its guess."""
    named = {"bibtex": "@bibtex/text", "biblatex": "@biblatex/text", "ris": "@ris/file"}
    found = json.loads(_ran("node", "-e", NODE_SCRIPT, str(path), named.get(fmt, ""), folder=node_folder()))
    return {one["id"]: _of_csl(one, sentence_case=False) for one in found}


@cache
def node_folder() -> Path:
    """A new folder with the packages of citation-js, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="readers-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _ran("npm", "install", "--prefix", str(folder), *(f"@citation-js/{one}" for one in NODE_PACKAGES))
    return folder


_MARKUP = re.compile(r"</?(?:span|i|b|sub|sup|sc)\b[^<>]*>")


def _of_csl(item: Mapping[str, Any], *, sentence_case: bool) -> Read:
    def values(*names: str) -> tuple[str, ...]:
        return tuple(_MARKUP.sub("", str(item[name])) for name in names if item.get(name))

    people = []
    for one in item.get("author", ()):
        particles = (one.get(f"{kind}dropping-particle") for kind in ("", "non-"))
        family = " ".join(filter(None, (*particles, one.get("family", one.get("literal")))))
        people.append((family, one.get("given", ""), one.get("suffix", "")))
    issued = item.get("issued", {})
    return Read(
        title=" ".join(values("title")),
        authors=tuple(people),
        date=str(issued.get("date-parts") or issued),
        containers=values("container-title"),
        publishers=values("publisher", "event-title", "event", "archive"),
        doi=item.get("DOI", ""),
        urls=values("URL"),
        sentence_case=sentence_case,
    )


def by_bibutils(path: Path, fmt: str) -> Reads:
    """Through MODS, which is what bibutils makes of every format."""
    command = {"bibtex": "bib2xml", "biblatex": "biblatex2xml", "ris": "ris2xml"}[fmt]
    text = re.sub(r' xmlns="[^"]*"', "", _ran(command, *(() if fmt == "ris" else ("-i", "unicode")), str(path)))
    return {one.findtext("identifier[@type='citekey']", ""): _of_mods(one) for one in ElementTree.fromstring(text)}


def _of_mods(item: ElementTree.Element) -> Read:
    def parts(name: ElementTree.Element, kind: str) -> str:
        return " ".join(part.text or "" for part in name.iter("namePart") if part.get("type") == kind)

    people, publishers = [], [one.text for one in item.iter("publisher") if one.text]
    for name in item.findall("name"):
        if name.findtext("role/roleTerm") in {"author", "inventor"}:
            plain = " ".join(part.text or "" for part in name.iter("namePart") if not part.get("type"))
            people.append((parts(name, "family") or plain, parts(name, "given"), parts(name, "suffix")))
        elif name.findtext("role/roleTerm") != "editor":  # a school, or an organization
            publishers.append(name.findtext("namePart") or "")
    return Read(
        title=" ".join(_titles(item.findall("titleInfo"))),
        authors=tuple(people),
        date=" ".join(one.text or "" for one in item.iter() if one.tag in {"dateIssued", "date"}),
        containers=_titles(item.findall("relatedItem[@type='host']/titleInfo")),
        publishers=tuple(publishers),
        doi=item.findtext("identifier[@type='doi']", ""),
        urls=tuple(filter(None, (one.text for one in item.findall("location/url")))),
    )


def _titles(items: Iterable[ElementTree.Element]) -> tuple[str, ...]:
    """Each with its subtitle, which bibutils cuts off at the colon."""
    found = (": ".join(filter(None, (one.findtext("title"), one.findtext("subTitle")))) for one in items)
    return tuple(filter(None, found))


def by_rispy(path: Path, _: str) -> Reads:
    """Under rispy's own names of the tags."""
    found = {}
    for one in importlib.import_module("rispy").loads(path.read_text(encoding="utf-8")):
        people = [(*name.split(", ", 2), "", "")[:3] for name in one.get("authors", ())]
        containers = (one.get(name, "") for name in ("secondary_title", "journal_name", "alternate_title3", "custom3"))
        found[one["id"]] = Read(
            title=one.get("title", ""),
            authors=tuple((name[0], name[1], name[2]) for name in people),
            date=one.get("year", ""),
            containers=tuple(filter(None, containers)),
            publishers=(one.get("publisher", ""),),
            doi=one.get("doi", ""),
            urls=tuple(one.get("urls", ())),
        )
    return found


def by_bibtexparser(path: Path, _: str) -> Reads:
    """Names as its own customizations split them."""
    own = importlib.import_module("bibtexparser.customization")
    found = {}
    for one in importlib.import_module("bibtexparser").loads(path.read_text(encoding="utf-8")).entries:
        names = own.author(dict(one)).get("author") or []
        people = [own.splitname(name, strict_mode=False) for name in names]
        parts = [[name.get(part, []) for part in ("von", "last", "first", "jr")] for name in people]
        found[one["ID"]] = _of_bib(one, parts)
    return found


def by_pybtex(path: Path, _: str) -> Reads:
    """Names as pybtex splits them."""
    found = {}
    for key, one in importlib.import_module("pybtex.database").parse_file(str(path), "bibtex").entries.items():
        people = [
            [name.prelast_names, name.last_names, name.first_names + name.middle_names, name.lineage_names]
            for name in one.persons.get("author", ())
        ]
        found[key] = _of_bib({name.lower(): value for name, value in one.fields.items()}, people)
    return found


_BRACES = {r"\textbraceleft{}": r"\{", r"\textbraceright{}": r"\}"}  # pylatexenc does not know them


def _undone(text: str) -> str:
    """A value of a .bib file as text: its LaTeX is undone by pylatexenc, formulas stay."""
    for command, sign in _BRACES.items():
        text = text.replace(command, sign)
    latex = importlib.import_module("pylatexenc.latex2text").LatexNodes2Text(math_mode="verbatim")
    return str(latex.latex_to_text(text)).replace("ˆ", "^")


def _of_bib(fields: Mapping[str, str], people: Iterable[list[list[str]]]) -> Read:
    """Fields as the file has them, names as lists of words: von, last, first, suffix."""
    names = ([_undone(" ".join(part)) for part in one] for one in people)
    publishers = ("publisher", "school", "institution", "howpublished", "archiveprefix")
    return Read(
        title=_undone(fields.get("title", "")),
        authors=tuple((f"{von} {last}", first, suffix) for von, last, first, suffix in names),
        date=fields.get("year", ""),
        containers=tuple(_undone(fields[name]) for name in ("journal", "booktitle") if name in fields),
        publishers=tuple(_undone(fields[name]) for name in publishers if name in fields),
        doi=fields.get("doi", ""),
        urls=(fields["url"],) if "url" in fields else (),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A reader by name: the formats that it is asked to read, and the program or the module that must be there."""

    name: str
    formats: tuple[str, ...]
    reads: Callable[[Path, str], Reads]
    program: str = ""

    def is_installed(self) -> bool:
        """Whether it can be run here."""
        return bool(shutil.which(self.program) if self.program else importlib.util.find_spec(self.name))


READERS = (
    Reader(name="pandoc", formats=("bibtex", "biblatex", "csl"), reads=by_pandoc, program="pandoc"),
    Reader(name="bibutils", formats=("bibtex", "biblatex", "ris"), reads=by_bibutils, program="bib2xml"),
    Reader(name="bibtexparser", formats=("bibtex",), reads=by_bibtexparser),
    Reader(name="pybtex", formats=("bibtex",), reads=by_pybtex),
    Reader(name="rispy", formats=("ris",), reads=by_rispy),
    Reader(name="citation-js", formats=("bibtex", "biblatex", "csl", "ris"), reads=by_citation_js, program="npm"),
)
