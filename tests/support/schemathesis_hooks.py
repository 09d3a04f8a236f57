"""What schemathesis is told about the API's description, beyond what all tools understand."""

from __future__ import annotations

from typing import Any

import schemathesis

UNSEEN = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U00013441\U00013442"
    "\U00016fe4\U000e0100-\U000e01ef"
)
UNASSIGNED = "\u20f1-\u20ff"
"""Signs that it takes for marks, and the server for nothing."""

ROOM = rf"^(?!\p{{M}})(?:(?![{UNSEEN}{UNASSIGNED}])[\p{{L}}\u00aa\u00ba\p{{M}}\p{{N}}_.-]){{1,64}}$"
"""A room's name as the server takes it. The description has a wider pattern, which is a regular
expression in every language; here, all names that are drawn are to be good ones. It takes the two
ordinals for no letters."""


@schemathesis.hook
def before_load_schema(_context: Any, raw_schema: dict[str, Any]) -> None:
    raw_schema["components"]["parameters"]["room"]["schema"]["pattern"] = ROOM
