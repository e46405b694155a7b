"""What the documentation says works: every command and setting is there, every block is run or read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from refsync import corrections, documents, settings
from refsync.cli import cli
from tests.conftest import EXAMPLE, ROOT
from tests.test_example import run
from tests.test_example_exports import needed

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
SHELL = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)


def block(name: str) -> str:
    """The YAML of a page."""
    return DOCS[name].split("```yaml\n", 1)[1].split("```", 1)[0]


def test_every_command_is_in_the_docs() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "commands.py")],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert DOCS["commands.md"] == made.stdout, "run: python tools/commands.py > docs/commands.md"


def test_every_setting_is_in_the_docs() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", DOCS["settings.md"], re.MULTILINE))
    assert told == set(documents.schema(settings.Settings)["$defs"]["Settings"]["properties"])


@pytest.mark.parametrize("name", ["README.md", *DOCS])
def test_the_commands_of_a_page_exist(name: str) -> None:
    text = README if name == "README.md" else DOCS[name]
    text += "".join(f"    {line}\n" for one in SHELL.findall(text) for line in one.splitlines())
    used = set(re.findall(r"(?:`|^    +|bin/)refsync ([\w-]+)(?=[ `\n])", text, re.MULTILINE))
    assert used <= set(cli.commands)


@pytest.mark.parametrize("name", ["README.md", *DOCS])
def test_the_links_of_a_page_lead_somewhere(name: str) -> None:
    text, folder = (README, ROOT) if name == "README.md" else (DOCS[name], ROOT / "docs")
    for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", re.sub(r"`[^`\n]*`", "", text)):
        assert (folder / target).exists(), target


@pytest.mark.parametrize("name", [name for name, text in DOCS.items() if SHELL.search(text)])
def test_the_commands_of_a_page_run(name: str, tmp_path: Path) -> None:
    """One after the other in one shell, in a copy of the examples; those of programs that are not there are left out."""
    needed("bash")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    script = "\n".join(SHELL.findall(DOCS[name]))
    for program in ("pdflatex", "bibtex", "pandoc"):
        if shutil.which(program) is None:
            script = re.sub(rf"^{program} .*$", "", script, flags=re.MULTILINE)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    places = {"REFSYNC_CACHE_DIR": str(tmp_path / "cache"), "REFSYNC_STATE_DIR": str(tmp_path / "state"), "PATH": path}
    command = ["bash", "--noprofile", "--norc", "-euxo", "pipefail", "-c", script]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, **places},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "undefined" not in "".join(one.read_text("utf-8", "replace") for one in tmp_path.glob("paper/*.log"))


def test_the_settings_of_the_docs_are_read(tmp_path: Path) -> None:
    (tmp_path / "refsync.yaml").write_text(block("settings.md"), encoding="utf-8")
    assert settings.load(tmp_path).title == "Efficient AI"


def test_the_corrections_of_the_docs_take_effect(example: Path) -> None:
    run("build", example)
    (example / "corrections.yaml").write_text(block("corrections.md"), encoding="utf-8")
    assert corrections.load(example).same
    result = run("build", example)
    assert "without effect" not in result.stderr, result.stderr
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
