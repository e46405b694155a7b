"""What the tests share: the --accept option, the example list, and a folder to build in."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "efficient-ai"
SHARED = ROOT.parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="rewrite the expected halves of cases; then read the diff")


@pytest.fixture
def accept(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--accept"))


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the example's list in an empty folder."""
    shutil.copy(EXAMPLE / "README.md", tmp_path / "README.md")
    return tmp_path


def committed(folder: Path) -> None:
    """Makes a folder a git repository, with all that is in it in one commit."""
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
