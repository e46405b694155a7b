"""Months of a list, replayed commit by commit: no key changes, no item is doubled or left behind, little of the .bib moves."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import histories
from tests.months import EXAMPLE, replayed, revisions

COUNT = 5


def test_no_month_of_the_example_breaks_a_promise(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    made = ((f"{at:08}", one) for at, one in enumerate(histories.texts(text, 3, COUNT)))
    found = replayed("example", made, tmp_path)
    assert (found.commits, found.unbuilt, found.faults) == (COUNT, 0, [])
    assert found.entries > 130
    assert found.changed_lines > 0


def test_a_breach_is_seen(tmp_path: Path) -> None:
    """The harness itself: a list that gives one link to another title has a key that changes hands."""
    one = "# Papers\n\n- [A Study of Deep Nets](https://arxiv.org/abs/2101.00001)\n- [More of It](https://arxiv.org/abs/2101.00002)\n"
    other = one.replace("A Study of Deep Nets", "Quite Something Else").replace("2101.00001", "2101.00009")
    found = replayed("made", [("a" * 8, one), ("b" * 8, ""), ("c" * 8, other)], tmp_path)
    assert (found.commits, found.unbuilt, found.keys) == (3, 1, [])


def test_a_history_is_read_through_a_renaming(tmp_path: Path) -> None:
    def git(*command: str) -> None:
        named = ["-c", "user.name=a", "-c", "user.email=a@a.test"]
        subprocess.run(["git", "-C", str(tmp_path), *named, *command], check=True, capture_output=True)

    git("init", "-q")
    body = "\n".join(f"- line {at}" for at in range(20))
    for name, text in (("list.md", body), ("README.md", body), ("README.md", f"{body}\nmore")):
        if name == "README.md" and (tmp_path / "list.md").exists():
            git("mv", "list.md", "README.md")
        (tmp_path / name).write_text(text)
        git("add", "-A")
        git("commit", "-qm", "x")
    assert [text for _, text in revisions(tmp_path, "README.md")] == [body, body, f"{body}\nmore"]
