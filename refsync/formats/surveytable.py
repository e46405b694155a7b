"""Knows the table that a survey paper prints: every entry by topic, with its citation, in LaTeX.

The file is read by a paper (`\\input{survey}`), and is a paper of its own where none does. pdflatex stops at characters
that it has no glyph for, which lualatex and xelatex set: those are shown to these only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from refsync import lint
from refsync.formats import Export, Reading, bibtex, topictree
from refsync.formats.latex import escaped
from refsync.formats.options import Options, wished, without_fields
from refsync.mapping import Tables
from refsync.model import Catalog, Entry, Failure, Person, Problem
from refsync.references import line

MARKER = "% Written by refsync build: edit the list or corrections.yaml, not this file."
# \documentclass is undone by its first use: so the file knows whether it stands in a paper.
_HEAD = r"""
% In a paper: \usepackage{longtable,booktabs,array} and \input{survey}. By itself: pdflatex survey.
\expandafter\ifx\csname @twoclasseserror\endcsname\documentclass
  \def\surveyend{}
\else
  \documentclass[10pt]{article}
  \usepackage[margin=2cm]{geometry}
  \ifdefined\Umathcode \usepackage{fontspec}\else \usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{lmodern}\fi
  \usepackage{amssymb,longtable,booktabs,array,url}
  \usepackage[numbers]{natbib}
  \begin{document}
  \def\surveyend{\IfFileExists{references.bib}{\bibliographystyle{plainnat}\bibliography{references}}{}\end{document}}
\fi
\providecommand{\surveyglyph}[1]{\ifdefined\Umathcode #1\else ?\fi}
\begin{longtable}{@{}>{\raggedright\arraybackslash}p{0.24\linewidth}>{\raggedright\arraybackslash}p{0.47\linewidth}>{\raggedright\arraybackslash}p{0.14\linewidth}l@{}}
\toprule
Work & Title & Venue & Year \\
\midrule
\endhead
\bottomrule
\endfoot
"""
_TAIL = "\\end{longtable}\n\\surveyend\n"


def write(catalog: Catalog, tables: Tables, options: Options) -> Export:
    """A longtable: a line for each topic, and beneath it one for each of its entries, which stand in all their topics."""
    shown = without_fields(catalog, options)
    shown = replace(shown, entries=tuple(wished(shown.entries, options, tables.folder)))
    keys = _keys(catalog, tables, options)
    lines: list[str] = []
    for branch in topictree.branches(shown):
        if branch.entries:
            lines += _part(" > ".join(branch.path), branch.entries, keys, bool(lines))
    if rest := topictree.elsewhere(shown):
        lines += _part("Other" if lines else "", rest, keys, bool(lines))
    text = "".join(f"{_settable(one)}\n" for one in lines)
    return Export(text=f"{MARKER}{_HEAD}{text}{_TAIL}", problems=_unset(text))


def read(text: str, where: str, tables: Tables) -> Reading:
    """Nothing: a table is written only. Raises Failure (exit 2)."""
    what = "is a paper or a table, which refsync does not read entries from."
    raise Failure(Problem(where=where, what=what, hint="Name its bibliography, or the list."), code=2)


def _keys(catalog: Catalog, tables: Tables, options: Options) -> dict[str, str]:
    """The key of each entry as it stands in a .bib file."""
    text = bibtex.write(catalog, tables, Options(preprints=options.preprints)).text
    written = re.findall(r"^@(?!comment\b)\w+\{(.*),$", text, re.MULTILINE)
    return {entry.key: key for entry, key in zip(catalog.entries, written, strict=True)}


def _part(name: str, entries: Sequence[Entry], keys: dict[str, str], is_next: bool) -> Iterator[str]:
    if is_next:
        yield "\\addlinespace"
    if name:
        yield f"\\multicolumn{{4}}{{@{{}}p{{0.95\\linewidth}}@{{}}}}{{\\textbf{{{escaped(name)}}}}} \\\\*"
    for entry in entries:
        venue = (entry.venue.short or entry.venue.name) if entry.venue else ""
        # A bracket or a star that follows the end of a line would be taken for its argument: a row begins with braces.
        called = escaped(_work(entry))
        work = f"{{}}{called}{'~' * bool(called)}\\cite{{{keys[entry.key]}}}"
        cells = (work, escaped(entry.title), escaped(venue), str(entry.year or ""))
        yield " & ".join(cells) + " \\\\"


def _work(entry: Entry) -> str:
    """What a work is called in running text: its nickname, else its authors in short, else the head of its title."""
    nickname = next((one for one in entry.aka if len(one) <= 24 and len(one.split()) <= 2), "")
    if nickname:
        return nickname
    names = [_called(one) for one in entry.authors or entry.editors]
    if not names:
        return ""
    if len(names) > 2 or entry.authors_complete is False:
        return f"{names[0]} et al."
    return " and ".join(names)


def _called(one: Person) -> str:
    return one.literal or " ".join(part for part in (one.particle, one.family or one.given) if part)


def _settable(text: str) -> str:
    """`text` with each run of characters that pdflatex cannot set in a macro that shows them to other programs."""
    if text.isascii():
        return text
    known = lint.settable()
    runs = groupby(text, key=lambda mark: mark in known)
    return "".join("".join(run) if is_known else f"\\surveyglyph{{{''.join(run)}}}" for is_known, run in runs)


def _unset(text: str) -> tuple[Problem, ...]:
    odd = sorted(set("".join(re.findall(r"\\surveyglyph\{([^}]*)\}", text))))
    if not odd:
        return ()
    what = f"pdflatex shows ? for {len(odd)} character{'s' * (len(odd) > 1)} that it cannot set: {''.join(odd)[:20]}"
    hint = "Use lualatex with a font that has them."
    return (Problem(where="survey-table", what=line(what), hint=hint, check="pdflatex"),)
