"""``chatroom serve``: what ``python app.py`` does."""

from __future__ import annotations

import os

import click

from chatroom.commands.options import config_option
from chatroom.serving.start import run


@click.command()
@config_option
def serve(config: str | None) -> None:
    """Open the chat room, and serve it until Ctrl-C.

    Port, history and everything else are in the settings file; PORT in the environment
    overrides the port.
    """
    if config is not None:
        os.environ["CHATROOM_CONFIG"] = config
    run()
