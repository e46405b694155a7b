"""Knows which keys a paper cites: LaTeX source, .aux and .bcf files, pandoc Markdown, Typst."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from refsync import documents

# \cite, \citep, \parencite, \autocites ...: each group of keys, after any number of optional arguments.
_TEX = re.compile(r"\\(?:[A-Za-z]*[cC]ite[A-Za-z]*\*?|nocite)((?:\s*(?:\([^()]*\)|\[[^\[\]]*\])*\s*\{[^{}]*\})+)")
_NO_CITES = re.compile(r"\\(?:citestyle|citeindextrue|citeindexfalse|DeclareCite\w*|newcite\w*|citename|citetext)\b")
_TEX_COMMENT = re.compile(r"(?<!\\)%.*")
_GROUP = re.compile(r"\{([^{}]*)\}")
_AUX = re.compile(r"\\(?:citation|abx@aux@cite\{\d+\}|abx@aux@cite)\{([^{}]*)\}")
_BCF = re.compile(r"<bcf:citekey[^>]*>([^<]*)</bcf:citekey>")
_MARKDOWN = re.compile(r"(?<![\w@])-?@(?:\{([^{}\s]+)\}|([A-Za-z0-9_][\w:.#$%&+?<>~/-]*))")
_MARKDOWN_CODE = re.compile(r"```.*?```|~~~.*?~~~|`[^`\n]*`", re.DOTALL)
_TYPST = re.compile(r"(?<![\w@])@([A-Za-z0-9_][\w:.-]*)|#?cite\(\s*(?:<([^<>\s]+)>|label\(\"([^\"]+)\"\))")


@dataclass(frozen=True, slots=True)
class Citation:
    """One key that a paper cites, and the line of its first citation. The key `*` stands for every entry."""

    key: str
    line: int


def read(text: str, name: str) -> tuple[Citation, ...]:
    """The citations of a file, each key once, in order; the file's suffix says what it is."""
    suffix = PurePath(name).suffix.lower()
    found: dict[str, int] = {}
    for key, at in _keys(text, suffix):
        if key:
            found.setdefault(key, text.count("\n", 0, at) + 1)
    return tuple(Citation(key, line) for key, line in found.items())


def keys(paths: Iterable[Path]) -> frozenset[str]:
    """The keys that files cite; `*` where one cites everything. Raises Failure for a file that cannot be read."""
    return frozenset(one.key for path in paths for one in read(documents.text_of(path), path.name))


def _keys(text: str, suffix: str) -> Iterator[tuple[str, int]]:
    if suffix == ".aux":
        yield from _split(_AUX.finditer(text))
    elif suffix == ".bcf":
        yield from _split(_BCF.finditer(text))
    elif suffix == ".typ":
        for match in _TYPST.finditer(text):
            yield next(group for group in match.groups() if group).rstrip(".:"), match.start()
    elif suffix in {".md", ".markdown", ".qmd", ".rmd"}:
        plain = _MARKDOWN_CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text)
        for match in _MARKDOWN.finditer(plain):
            yield match[1] or match[2].rstrip(".:?"), match.start()
    else:
        plain = _TEX_COMMENT.sub(lambda comment: " " * len(comment[0]), text)
        for match in _TEX.finditer(plain):
            if not _NO_CITES.match(plain, match.start()):
                for group in _GROUP.findall(match[1]):
                    yield from ((key.strip(), match.start()) for key in group.split(","))


def _split(matches: Iterator[re.Match[str]]) -> Iterator[tuple[str, int]]:
    for match in matches:
        yield from ((key.strip(), match.start()) for key in match[1].split(","))
