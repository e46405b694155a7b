"""`python -m refsync` is the same as `refsync`."""

from refsync.cli import main

main()
