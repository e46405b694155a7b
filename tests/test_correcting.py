"""corrections.yaml is a person's: what is added leaves every other byte and comment where it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refsync import documents
from refsync.correcting import Line, added
from refsync.model import Failure

NEW = Line(name="one", fields={"date": "2021-07", "tags": ["a, b", "c"]}, comment="A Study: changed in Zotero")
CASES = {
    "nothing": ("", "# A Study: changed in Zotero\none:\n  date: 2021-07\n  tags: ['a, b', c]\n"),
    "others": (
        "# mine\ntwo: {date: 2020}  # so\n",
        "# mine\ntwo: {date: 2020}  # so\n# A Study: changed in Zotero\none:\n  date: 2021-07\n  tags: ['a, b', c]\n",
    ),
    "a block": (
        "one:  # first\n  date: 2020  # old\n\n# more\ntwo:\n  hide: true\n",
        "# A Study: changed in Zotero\none:  # first\n  date: 2021-07  # old\n  tags: ['a, b', c]\n\n# more\ntwo:\n  hide: true\n",
    ),
    "braces": (
        "one: {note: x}  # mine\ntwo: {}\n",
        "# A Study: changed in Zotero\none: {note: x, date: 2021-07, tags: ['a, b', c]}  # mine\ntwo: {}\n",
    ),
    "the name alone": ("one:\n", "# A Study: changed in Zotero\none: {date: 2021-07, tags: ['a, b', c]}\n"),
    "a list of lines": (
        "one:\n  tags:\n  - x  # why\n  - y\n  note: |\n    long\n    text\ntwo: {}\n",
        "# A Study: changed in Zotero\none:\n  tags: ['a, b', c]\n  # why\n  note: |\n    long\n    text\n  date: 2021-07\ntwo: {}\n",
    ),
    "no line end, other line ends": (
        "two: {date: 2020}\r\nthree: {}",
        "two: {date: 2020}\r\nthree: {}\r\n# A Study: changed in Zotero\r\none:\r\n  date: 2021-07\r\n  tags: ['a, b', c]\r\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_other_byte_stays(name: str) -> None:
    before, after = CASES[name]
    assert added(before, [NEW]) == after
    assert added(after, []) == after


def test_identifiers_are_joined() -> None:
    out = added("one: {ids: {arxiv: '2101.00001'}}\n", [Line(name="one", fields={"ids": {"doi": "10.1/x"}})])
    assert documents.parsed(out, "") == {"one": {"ids": {"arxiv": "2101.00001", "doi": "10.1/x"}}}


@pytest.mark.parametrize("text", ["one: &x {date: 2020}\ntwo: *x\n", "[a, b]\n", "--- {}\n...\n"])
def test_what_would_not_survive_is_refused(text: str) -> None:
    try:
        out = added(text, [NEW])
    except Failure as failure:
        assert "by hand" in failure.problem.hint
        assert "\n" not in str(failure.problem)
    else:
        assert documents.parsed(out, "")["one"]["date"] == "2021-07"


TEXTS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)


@given(
    st.dictionaries(TEXTS, st.fixed_dictionaries({"title": TEXTS, "tags": st.lists(TEXTS)}), max_size=4),
    TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=3),
)
def test_what_is_read_is_the_old_and_the_new(old: dict[str, object], name: str, title: str, tags: list[str]) -> None:
    text = documents.written(old) if old else "# nothing yet\n"
    fields = {"title": title, "tags": tags, "abstract": f"{title}\n\n{title}"}
    out = added(text, [Line(name=name, fields=fields, comment="so")])
    wanted = {**documents.parsed(text, "")} if old else {}
    wanted[name] = {**wanted.get(name, {}), **fields}
    assert documents.parsed(out, "") == wanted
