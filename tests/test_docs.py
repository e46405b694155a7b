"""What the README says works: every command is there, every block of settings and corrections is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from refsync import corrections, settings
from refsync.cli import cli
from tests.conftest import EXAMPLE, ROOT
from tests.test_example import run

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(
    r"`(\S+\.yaml)`[^\n]*\n\n```yaml\n(.*?)```|`(\S+\.yaml)`, by key[^\n]*\n\n```yaml\n(.*?)```", README, re.DOTALL
)


def test_every_command_is_in_the_readme() -> None:
    for name in cli.commands:
        assert f"`refsync {name}" in README


def test_the_commands_of_the_readme_exist() -> None:
    used = set(re.findall(r"`refsync ([\w-]+)(?=[ `])", README))
    assert used == set(cli.commands)


@pytest.mark.parametrize("name", ["refsync.yaml", "corrections.yaml"])
def test_the_yaml_of_the_readme_is_read(name: str, tmp_path: Path) -> None:
    block = README.split(f"`{name}`", 1)[1].split("```yaml\n", 1)[1].split("```", 1)[0]
    (tmp_path / name).write_text(block, encoding="utf-8")
    if name == "refsync.yaml":
        assert settings.load(tmp_path).title == "Efficient AI"
    else:
        found = corrections.load(tmp_path)
        assert len(found.fixes) == 2 and found.same


def test_the_corrections_of_the_readme_take_effect(example: Path) -> None:
    run("build", example)
    block = README.split("`corrections.yaml`", 1)[1].split("```yaml\n", 1)[1].split("```", 1)[0]
    (example / "corrections.yaml").write_text(block, encoding="utf-8")
    result = run("build", example)
    assert "without effect" not in result.stderr
    text = (example / "catalog.yaml").read_text(encoding="utf-8")
    assert "hassani2023nat" in text and "fullyquantizedtransformerb" in text


def test_the_set_up_commands_are_those_of_ci() -> None:
    line = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest"
    assert line in README
    assert line in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_paper_cites_entries_of_the_example() -> None:
    from refsync.formats import catalog, cited

    known, _ = catalog.read((EXAMPLE / "catalog.yaml").read_text(encoding="utf-8"), "catalog.yaml")
    paper = ROOT / "examples" / "latex" / "paper.tex"
    used = cited.read(paper.read_text(encoding="utf-8"), paper.name)
    assert len(used) >= 5
    for one in used:
        assert one.key in known.by_key, f"{paper.name}:{one.line}: {one.key}"
