"""The command line: parse, call, write, exit code."""

from nmo_stats.cli.commands import app, main

__all__ = ["app", "main"]
