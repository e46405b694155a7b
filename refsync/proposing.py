"""Knows how to begin: looks at a list and what lies beside it, and proposes the settings that fit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from refsync import build, documents, files, settings, sources
from refsync.formats import cited
from refsync.mapping import Tables
from refsync.model import Failure, Problem
from refsync.settings import Settings

_PAPERS = ("*.tex", "*.typ", "*.qmd", "paper*.md", "*/*.tex", "*/*.typ", "*/*.qmd")
_MOST_PAPERS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What lies in a folder: its lists with the number of entries in each, the title, and what else concerns references.

    `bibliographies` are .bib files of the folder that refsync did not write, `papers` the files beside it that cite
    something, `exports` the names under which nothing of a person's is overwritten.
    """

    title: str
    lists: tuple[tuple[str, int], ...]
    topics: int
    bibliographies: tuple[str, ...]
    papers: tuple[str, ...]
    exports: tuple[str, ...]


def looked(path: Path) -> tuple[Path, Look]:
    """The folder of a PATH, and what lies in it. Raises Failure: exit 4 when it has settings, 1 when it has no list."""
    folder, list_file = build.located(path)
    if (folder / settings.FILE).exists():
        what = "is there already. Nothing changed."
        raise Failure(Problem(where=str(folder / settings.FILE), what=what, hint="Edit it, or move it away."), code=4)
    paths = (list_file,) if list_file else sources.found(folder, Settings())
    read = sources.read(paths, folder, Tables())
    counts = tuple((one.name, len(one.reading.accounts) if one.reading else len(one.entries)) for one in read)
    if not any(count for _, count in counts):
        hint = f"`refsync read --skipped {paths[0]}` shows what was left out."
        raise Failure(Problem(where=counts[0][0], what="holds no entries.", hint=hint))
    readings = [one.reading for one in read if one.reading]
    inputs = {one.resolve() for one in paths}
    bibs = [one for one in sorted(folder.glob("*.bib")) if one.resolve() not in inputs and not files.is_ours(one)]
    return folder, Look(
        title=next((one.title for one in readings if one.title), "") or folder.resolve().name,
        lists=counts,
        topics=len({topic for one in readings for topic in one.topics}),
        bibliographies=tuple(one.name for one in bibs),
        papers=tuple(_papers(folder, inputs)),
        exports=tuple(_free(folder, name) for name in Settings().exports),
    )


def _papers(folder: Path, inputs: set[Path]) -> list[str]:
    """The files in a folder, and one folder below it, that cite something."""
    found = [one for pattern in _PAPERS for one in sorted(folder.glob(pattern))]
    out: list[str] = []
    for one in dict.fromkeys(found):
        if len(out) < _MOST_PAPERS and one.is_file() and one.resolve() not in inputs and _cites(one):
            out.append(one.relative_to(folder).as_posix())
    return out


def _cites(path: Path) -> bool:
    try:
        text = documents.text_of(path)
    except Failure:
        return False
    return not text.startswith("% Written by refsync") and bool(cited.read(text, path.name))


def _free(folder: Path, name: str) -> str:
    """`name`, or another where a file of that name is a person's."""
    return name if files.is_ours(folder / name) else f"list-{name}"


# ------------------------------------------------------------------------------------------------------------------
# The file


def proposed(look: Look) -> str:
    """The text of refsync.yaml: what was found as it is, everything else behind a `#`, each with what it does."""
    names = [name for name, _ in look.lists]
    counts = ", ".join(f"{name}: {count} entries" for name, count in look.lists)
    parts = [
        "# Settings of this list, proposed by `refsync init` and yours to edit. Every key is optional.",
        "# Lines behind a # are off. All keys: README of refsync; try one out with `refsync build --dry-run`.",
        "",
        _line("title", look.title),
        "",
        f"# Read: {counts}; {look.topics} headings. Files or patterns, also .bib, .ris and CSL-JSON.",
        _line("sources", documents.FlowList(names)),
        "",
        "# Written by `refsync build`, beside catalog.yaml. A file that refsync did not write is never overwritten.",
        "exports:",
        *(f"  - {name}" for name in look.exports),
        "#  - index.html    # a page to search, filter and cite from",
        "#  - survey.tex    # all entries by topic, as a LaTeX table",
        "",
        *_cited(look),
        "",
        *_bibliographies(look),
        "",
        "# How keys of new entries are made; keys that there are stay.",
        '# key_pattern: "{author}{year}{titleword}"',
        "# dialect: biblatex    # of .bib files; bibtex when left out",
        "# venues: short    # NeurIPS instead of Advances in Neural Information Processing Systems",
        "",
        "# Your address, told to the services that `refsync resolve` asks, which then answer faster.",
        "# mailto: you@example.org",
        "",
        "# Where `refsync sync` writes: the sandbox of this machine, your library (user), or a group's (group:12345).",
        "# zotero: {library: user, links: [code, project]}",
    ]
    return "\n".join(parts) + "\n"


def _line(name: str, value: object) -> str:
    return documents.written({name: value}).rstrip("\n")


def _cited(look: Look) -> list[str]:
    about = "# Papers that cite this list: their keys are final, and `refsync check` names citations without an entry."
    if look.papers:
        return [about, _line("cited", documents.FlowList(look.papers))]
    return [about, "# cited: [paper/main.tex]"]


def _bibliographies(look: Look) -> list[str]:
    about = "# Bibliographies of yours: `keys` takes over the keys that they use, `resolvers` the facts that they know."
    if not look.bibliographies:
        return [about, "# keys: {from: [old.bib]}", '# resolvers: ["bib:old.bib", crossref, arxiv]']
    names = documents.FlowList(look.bibliographies)
    known = documents.FlowList([*(f"bib:{one}" for one in look.bibliographies), "acl", "crossref", "arxiv", "datacite"])
    return [about, _line("keys", documents.Flow({"from": names})), f"# {_line('resolvers', known)}"]
