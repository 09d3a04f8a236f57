"""``python -m chatroom``, and what the command ``chatroom`` runs."""

from __future__ import annotations

import sys

try:
    from chatroom.commands import chatroom
except ModuleNotFoundError as missing:
    if not missing.name or missing.name.partition(".")[0] == "chatroom":
        raise
    print(
        f"chatroom: {sys.executable} has no {missing.name}; in a checkout, use .venv/bin/python "
        "(make run creates it), elsewhere the Python that chatroom is installed in",
        file=sys.stderr,
    )
    sys.exit(2)


def main() -> None:
    """Run the command line, and exit with its code."""
    chatroom(prog_name="chatroom")


if __name__ == "__main__":
    main()
