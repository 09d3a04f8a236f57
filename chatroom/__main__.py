"""``python -m chatroom``, and what the command ``chatroom`` runs."""

from __future__ import annotations

from chatroom.dependencies import needed

with needed():
    from chatroom.commands import chatroom


def main() -> None:
    """Run the command line, and exit with its code."""
    chatroom(prog_name="chatroom")


if __name__ == "__main__":
    main()
