"""Knows libraries: the sandbox that lives on this machine."""
