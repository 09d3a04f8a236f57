"""``chatroom serve``: what ``python app.py`` does."""

from __future__ import annotations

import os

import click

from chatroom.serving.start import run


@click.command()
@click.option(
    "--config",
    type=click.Path(dir_okay=False),
    envvar="CHATROOM_CONFIG",
    show_envvar=True,
    help="The settings file; by default config.json in the current folder.",
)
def serve(config: str | None) -> None:
    """Open the chat room, and serve it until Ctrl-C.

    Port, history and everything else are in the settings file; PORT in the environment
    overrides the port.
    """
    if config is not None:
        os.environ["CHATROOM_CONFIG"] = config
    run()
