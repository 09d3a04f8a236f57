"""Where commands write: data to standard output, everything for people to standard error."""

from __future__ import annotations

import sys

import click

from chatroom.log import printable


def note(text: str) -> None:
    """Write a line for the person, to standard error."""
    click.echo(f"chatroom: {printable(text)}", err=True)


def write(text: str) -> None:
    """Write one line of data, and flush: the next program in a pipe should not wait."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
