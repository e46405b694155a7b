"""Lists that nobody would write: whatever stands in a file, reading ends, says what it left out, and invents nothing."""

from __future__ import annotations

import html
import os
import re
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from refsync.formats import survey
from refsync.model import Reading
from tests.conftest import EXAMPLE, SHARED

RUNS = 150 if os.environ.get("CI") else 60
# The deadline is no benchmark: a reading that takes so long for a few lines hangs.
fuzzed = settings(max_examples=RUNS, deadline=20_000, suppress_health_check=list(HealthCheck))

FRAGMENTS = [
    "# ", "## 2021\n", "### [Title of a Paper in a Heading](https://arxiv.org/abs/2001.00001)\n", "- ", "  - ", "* ", "1. ",
    "> ", "| ", " |", "|--|--|\n", "| Title | Venue | Year |\n|--|--|--|\n", "\n", "\n\n", "    ", "\t", "<br>", "<td>",
    "<table><tr>", "</table>", "<details><summary>", "</summary>", "</details>", "<!--", "-->", "<ul><li>", "<pre>", "<sup>1</sup>",
    "**", "*", "_", "`", "```\n", "[", "]", "(", ")", "](https://arxiv.org/abs/1503.02531)", "![x](https://img.shields.io/badge/ICML-2020-red)",
    "[[paper](", "[code](https://github.com/a/b)", "https://doi.org/10.1145/1.2", "arXiv:1503.02531", "10.1145/3461615.3491109",
    "CVPR 2020", "NeurIPS'21", "(ICLR-W)", "et al.", "et al.,2013", "John Smith, Ann Lee and Bo Li", "Smith, J., Lee, A. and Li, B.",
    "Deep Learning for Everything: A Survey", "Attention Is All You Need", "“Quoted Title of a Work”", "迁移学习", "（必读）", "。", "：",
    ":fire:", "🔥", "\u00ad", "\u2010", "\u202e", "\x00", "&amp;", "&lt;b&gt;", "&#0;", "\\", "---\n", "Abstract: text. ", "- Paper: ",
    "- Code: https://github.com/a/b\n", "2021-CVPR-Title of It", "[1]: https://example.org\n", ".. [#] ", "====\n", "`a <b>`_ ",
]  # fmt: skip

documents = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=12), max_size=40).map("".join)


def checked(text: str, name: str = "list.md") -> Reading:
    """A reading of `text`, after what must hold for every reading."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    reading = survey.read(text, name)
    last = text.count("\n") + 1
    for one in (*reading.accounts, *reading.skipped):
        assert 1 <= one.line <= one.last_line <= last, one
    for account in reading.accounts:
        assert account.title.strip() and 0 <= account.confidence <= 1
        people = [person.family or person.literal or "" for person in account.authors]
        for said in (account.title, account.aka or "", *people):
            assert _is_within(said, text), (said, account)
            # Where no markup parts the words, each stands there as it is.
            if not re.search(r"[<>\[\]*_`~\\&\n\xad]", account.raw):
                assert all(word in account.raw for word in re.findall(r"\w+", said)), (said, account)
    return reading


def _is_within(said: str, source: str) -> bool:
    """Whether the letters and digits of `said` stand in `source` in this order, with markup between them at most."""
    letters = iter(_letters(html.unescape(source)) + _letters(source))
    return all(letter in letters for letter in _letters(said))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


@fuzzed
@given(documents)
@example("<table><tr><td>\n\n- a\n\n# b\n")
@example("- a\n<div>\n" * 200)
@example("[" * 3000)
@example("- " * 500 + "x")
@example("<details>" * 300)
@example("| a |\n|--|\n" + "| [b](" * 500)
@example("*" * 5000)
@example("<!--" * 30_000)
@example("<?" * 30_000)
@example("> " * 5000 + "x")
@example("- a\n<div>\n" * 3000)
@example("1. Text\n\n\t- \ud83d half of a pair\n")
def test_fragments_of_markdown(text: str) -> None:
    checked(text)


@fuzzed
@given(documents)
def test_fragments_of_restructured_text(text: str) -> None:
    checked(text, "list.rst")


def _lists() -> list[Path]:
    own = [EXAMPLE / "README.md", *sorted((Path(__file__).parent / "cases" / "lists").glob("*.md"))]
    return own + sorted((SHARED / "lists").glob("*/*.md"))


@fuzzed
@given(st.data())
def test_mutations_of_real_lists(data: st.DataObject) -> None:
    """Cut, shuffled, doubled, bytes flipped: what a bad merge, an editor or a crash make of a list."""
    path = data.draw(st.sampled_from(_lists()))
    lines = path.read_text(encoding="utf-8").split("\n")
    start = data.draw(st.integers(0, max(0, len(lines) - 1)))
    lines = lines[start : start + data.draw(st.integers(1, 60))]
    for _ in range(data.draw(st.integers(1, 4))):
        change = data.draw(st.sampled_from(["shuffle", "double", "cut", "flip", "join", "indent"]))
        at = data.draw(st.integers(0, len(lines) - 1))
        if change == "shuffle":
            lines = data.draw(st.permutations(lines))
        elif change == "double":
            lines = [*lines[:at], *lines[at : at + 5], *lines[at:]]
        elif change == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
        elif change == "flip":
            raw = bytearray(lines[at].encode())
            if raw:
                raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(1, 255))
            lines[at] = raw.decode("utf-8", "replace").replace("\n", " ")
        elif change == "join" and at + 1 < len(lines):
            lines[at : at + 2] = [lines[at] + lines[at + 1]]
        else:
            lines[at] = "    " + lines[at]
    checked("\n".join(lines))
