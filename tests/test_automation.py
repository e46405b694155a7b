"""What keeps a list current by itself: the workflow, the hooks and the shell completion do what their files say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from refsync.cli import cli
from tests.conftest import EXAMPLE, ROOT

WORKFLOW = ROOT / "examples" / "automation" / "refsync.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"


def steps(job: str) -> dict[str, dict[str, Any]]:
    found = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"][job]["steps"]
    return {one["name"]: one for one in found if "name" in one}


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, **more}


def shell(script: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A step, as GitHub runs it."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(
        command, cwd=folder, env=environment(**more), capture_output=True, text=True, encoding="utf-8", check=False
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for program in ("git", "bash"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    folder = tmp_path / "list"
    folder.mkdir()
    for name in ("README.md", "corrections.yaml"):
        shutil.copy(EXAMPLE / name, folder)
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    commit(folder, "The list")
    return folder


def commit(folder: Path, message: str) -> None:
    who = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    subprocess.run(["git", *who, "commit", "-q", "-m", message], cwd=folder, check=True)


def test_a_request_is_told_what_is_new_and_nothing_else(repository: Path, tmp_path: Path) -> None:
    script = steps("check")["Tell what is new"]["run"]
    quiet = shell(script, repository, BASE="main")
    assert (quiet.returncode, quiet.stdout) == (0, ""), quiet.stderr
    list_file = repository / "README.md"
    before = "Stitchable Neural Networks. CVPR 2023 Highlight\n"
    text = list_file.read_text(encoding="utf-8")
    assert before in text
    text = text.replace(before, f"{before}\nA Work That Is 100% Silent About Its Authors and Its Venue. 2023\n")
    list_file.write_text(text, encoding="utf-8")
    told = shell(script, repository, BASE="main", GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))
    assert told.returncode == 0, told.stderr
    assert told.stdout and all(
        re.match(r"::warning file=README\.md,line=\d+::", one) for one in told.stdout.splitlines()
    ), told.stdout
    assert "100%25" in told.stdout
    assert "README.md:" in (tmp_path / "summary").read_text(encoding="utf-8")


def test_the_main_branch_is_rebuilt_committed_and_published(repository: Path, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(repository), str(remote)], check=True)
    subprocess.run(["git", "remote", "add", "origin", str(remote)], cwd=repository, check=True)
    subprocess.run(["git", "push", "-q", "-u", "origin", "main"], cwd=repository, check=True)
    done = steps("build")
    for name in ("Rebuild", "Commit what changed", "Gather what is published"):
        result = shell(done[name]["run"], repository)
        assert result.returncode == 0, f"{name}: {result.stderr}"
    pushed = subprocess.run(
        ["git", "ls-tree", "--name-only", "main"], cwd=remote, capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"catalog.yaml", "references.bib", "references.json", "references.ris"} <= set(pushed)
    assert {one.name for one in (repository / "_site").iterdir()} >= {"index.html", "references.bib"}
    again = shell(done["Commit what changed"]["run"], repository)
    assert again.returncode == 0


def test_the_hooks_are_commands() -> None:
    hooks = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    for hook in hooks:
        program, command, *options = hook["entry"].split()
        assert program == "refsync" and command in cli.commands and not options
        assert re.search(hook["files"], "README.md") and not re.search(hook["files"], "picture.png")


def test_every_option_that_the_workflow_uses_exists() -> None:
    for command, rest in re.findall(r"^\s*(?:run: )?refsync (\w+)([^\n]*)", WORKFLOW.read_text(encoding="utf-8"), re.M):
        known = {name for one in cli.commands[command].params if isinstance(one, click.Option) for name in one.opts}
        assert set(re.findall(r"(?<=\s)--[a-z-]+", rest)) <= known, command


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_the_shell_completes(name: str) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "refsync"], env=environment(_REFSYNC_COMPLETE=f"{name}_source"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "is not supported" in made.stderr:
        pytest.skip(made.stderr.strip())
    told = shell("refsync", ROOT, _REFSYNC_COMPLETE="bash_complete", COMP_WORDS="refsync ci", COMP_CWORD="1")
    assert told.stdout.strip() == "plain,cite"
