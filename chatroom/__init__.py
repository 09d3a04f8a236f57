"""A chat room that one Python process serves: threads, channels and one select loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0.dev0"

if TYPE_CHECKING:
    from chatroom.application import create_app

__all__ = ["__version__", "create_app"]


def __getattr__(name: str) -> Any:
    # Lazily: a program that imports chatroom.client loads neither Flask nor the Server.
    if name == "create_app":
        from chatroom.application import create_app

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
