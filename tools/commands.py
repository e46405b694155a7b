"""Makes docs/commands.md, every command with its options, from the commands themselves: `python tools/commands.py > docs/commands.md`."""

from __future__ import annotations

import re

import click

from refsync.cli import cli

HEAD = """<!-- Made by: python tools/commands.py > docs/commands.md -->
# Every command

PATH is a folder or a list file, the current folder when left out. Data go to standard output, everything else to standard
error. Exit codes: 0 done, or nothing to do; 1 failed; 2 wrong usage; 3 `check` or `--check` found something; 4 refused as unsafe.
What can be set for good in `refsync.yaml`: [settings.md](settings.md).
"""


def page() -> str:
    """The page, as Markdown."""
    parts = [HEAD]
    for name in sorted(cli.commands):
        command = cli.commands[name]
        context = click.Context(command, info_name=f"refsync {name}")
        usage = command.get_usage(context).removeprefix("Usage: ")
        about = "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", (command.help or "").strip()))
        parts.append(f"\n## refsync {name}\n\n    {' '.join(usage.split())}\n\n{about}\n")
        options = [one for one in command.params if isinstance(one, click.Option)]
        rows = [row for one in options if (row := one.get_help_record(context))]
        if rows:
            parts.append("\n| option | what it does |\n|:--|:--|\n")
            parts += [
                f"| `{option.replace('|', chr(92) + '|')}` | {said.replace('|', chr(92) + '|')} |\n"
                for option, said in rows
            ]
    return "".join(parts)


if __name__ == "__main__":
    print(page(), end="")
