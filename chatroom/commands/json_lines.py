"""Lines of JSON, as ``chatroom export`` writes them and the HTTP API sends them."""

from __future__ import annotations

import json
from typing import Any


def parse(line: bytes | str) -> dict[str, Any]:
    """The JSON object in the line.

    Raises:
        ValueError: the line is not a JSON object.
    """
    fields = json.loads(line)
    if type(fields) is not dict:
        raise ValueError("not a JSON object")
    return fields
