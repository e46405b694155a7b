"""Measures refsync against itself, its peers and the limit. Never a test: times depend on the machine."""
