"""Makes the pictures of the documentation: `python docs/pictures/make.py`, with chromium and playwright installed.

The page of the example in light, in dark and on a phone, and what `refsync sync --dry-run` shows of it.
"""

from __future__ import annotations

import html
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
EXAMPLE = HERE.parent.parent / "examples" / "efficient-ai"
SHOTS = {
    "page-light": ("", {"viewport": {"width": 1200, "height": 760}}),
    "page-dark": ("#?q=distillation&from=2022&to=2022", {"viewport": {"width": 1200, "height": 760}, "color_scheme": "dark"}),
    "page-phone": ("#?q=vision", {"viewport": {"width": 390, "height": 760}, "has_touch": True}),
}  # fmt: skip
TERMINAL = """<!DOCTYPE html><meta charset="utf-8"><style>
body { margin: 0; padding: 18px 22px; background: #14161c; color: #e8e9ee; width: max-content; max-width: 108ch; }
pre { margin: 0; white-space: pre-wrap; font: 14px/1.5 "DejaVu Sans Mono", monospace; } b { color: #9db2ff; font-weight: 400; }
</style><pre><b>$ refsync sync --dry-run</b>\n%s</pre>"""


def refsync(*arguments: str, folder: Path, state: Path) -> str:
    """What refsync says."""
    places = {"REFSYNC_STATE_DIR": str(state), "REFSYNC_CACHE_DIR": str(state), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "refsync", *arguments]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **places}, capture_output=True, text=True, encoding="utf-8", check=True
    )
    return done.stdout + done.stderr


def plan(folder: Path, state: Path) -> str:
    """What a sync would do once a paper has been added, another has left the list and a third has its month corrected."""
    refsync("sync", "--library", "sandbox", folder=folder, state=state)
    text = (folder / "README.md").read_text(encoding="utf-8")
    before = "Deep Model Reassembly. NeurIPS, 2022\n"
    text = text.replace(before, f"{before}\nModel Soups: Averaging Weights of Fine-Tuned Models. ICML 2022\n")
    text = text.replace("Stitchable Neural Networks. CVPR 2023 Highlight\n", "")
    (folder / "README.md").write_text(text, encoding="utf-8", newline="\n")
    fixes = folder / "corrections.yaml"
    fixes.write_text(
        fixes.read_text(encoding="utf-8") + "\nzhao2022decoupled: {date: 2022-06, tags: [award]}\n", encoding="utf-8"
    )
    said = refsync("sync", "--library", "sandbox", "--dry-run", folder=folder, state=state)
    return said.replace(str(state), "~/.local/state/refsync")


def main() -> None:
    """Writes the pictures beside this file."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder, state = Path(name) / "list", Path(name) / "state"
        shutil.copytree(EXAMPLE, folder)
        settings = folder / "refsync.yaml"
        (folder / "latex").mkdir()
        kept = settings.read_text(encoding="utf-8").replace("cited:\n  - ../latex/paper.tex\n", "")
        settings.write_text(kept + "exports: [references.bib, references.json, references.ris, index.html]\n", "utf-8")
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        refsync("build", folder=folder, state=state)
        for shot, (asked, options) in SHOTS.items():
            picture(browser, (folder / "index.html").as_uri() + asked, shot, options)
        settings.write_text(kept, encoding="utf-8")
        said = plan(folder, state)
        card = Path(name) / "plan.html"
        card.write_text(TERMINAL % html.escape(said), encoding="utf-8")
        picture(browser, card.as_uri(), "sync-plan", {"viewport": {"width": 1000, "height": 200}}, whole=True)
        browser.close()


def picture(browser: Browser, address: str, name: str, options: dict[str, object], whole: bool = False) -> None:
    """One picture of a page."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.goto(address)
    page.wait_for_timeout(300)
    target = page.locator("body") if whole else page
    target.screenshot(path=HERE / f"{name}.png")
    context.close()


if __name__ == "__main__":
    main()
