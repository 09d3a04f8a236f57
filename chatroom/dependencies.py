"""What to say in place of a traceback when a library is missing: usually it is another Python's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needed() -> Iterator[None]:
    """Around imports: exit with one line that says which Python has the libraries, and code 2; in
    a worker of gunicorn with 3, after which it starts no other."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if not missing.name or missing.name.partition(".")[0] == "chatroom":
            raise
        print(
            f"chatroom: {sys.executable} has no {missing.name}; in a checkout, use "
            ".venv/bin/python (make run creates it), elsewhere the Python that chatroom is "
            "installed in",
            file=sys.stderr,
        )
        sys.exit(3 if "gunicorn.arbiter" in sys.modules else 2)
