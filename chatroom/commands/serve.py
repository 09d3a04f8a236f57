"""``chatroom serve``: what ``python app.py`` does."""

from __future__ import annotations

import os

import click

from chatroom.commands.common import Code, Failed
from chatroom.configuration import CHECKOUT
from chatroom.serving import gunicorn


@click.command()
@click.option(
    "--config",
    type=click.Path(dir_okay=False),
    envvar="CHATROOM_CONFIG",
    show_envvar=True,
    help="The settings; by default the checkout's config.json.",
)
def serve(config: str | None) -> None:
    """Open the chat room, and serve it until Ctrl-C.

    Port, history and all else stand in the settings; PORT in the environment overrides the port.
    """
    if config is not None:
        os.environ["CHATROOM_CONFIG"] = config
    if not (CHECKOUT / "app.py").exists():
        missing = f"there is no app.py in {CHECKOUT}"
        raise Failed(f"{missing}; run it from a checkout of the chat room", Code.USAGE)
    gunicorn.run()
