"""Where the database is: an address of libpq's, whose password is never shown.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
"""

from __future__ import annotations

import re
from urllib.parse import unquote

SCHEMES = ("postgresql://", "postgres://")

MASK = "***"

SECRETS = ("password", "sslpassword")
"""Parameters that are not shown."""

# Up to the last @: a password that was not encoded may have one, too, or a slash.
_USERINFO = re.compile(r"^([^:/]*:/*)([^:@/]*)(:.*)?@", re.DOTALL)

# Where something else stands in the address's place: as in user:password@host, and password=...
_ANY_PASSWORD = re.compile(r"(:).*(@)|(?<=password=)[^&\s]*", re.DOTALL)

_PARAMETER = re.compile(r"(?<=[?&])([^=&]*)=([^&]*)")


def is_address(url: str) -> bool:
    """Whether it can be the address of a database; libpq says whether it is."""
    if not url.startswith(SCHEMES):
        return False
    return url.isprintable() and " " not in url


def masked(url: str) -> str:
    """The address without its passwords, however malformed it is; also if it is none."""
    if not url.startswith(SCHEMES):
        return _ANY_PASSWORD.sub(rf"\1{MASK}\2", url)
    shown = _USERINFO.sub(_without_password, url)
    return _PARAMETER.sub(_without_value, shown)


def passwords(url: str) -> list[str]:
    """The passwords in it, as they stand there and decoded."""
    found = [parameter[2] for parameter in _PARAMETER.finditer(url) if _is_secret(parameter)]
    user = _USERINFO.match(url)
    if user and user[3]:
        found.append(user[3][1:])
    return [text for one in found if one for text in {one, unquote(one)}]


def has_password(url: str) -> bool:
    """Whether who can read it can come in."""
    return url.startswith(SCHEMES) and bool(passwords(url))


def _without_password(userinfo: re.Match[str]) -> str:
    scheme, user, password = userinfo.groups()
    return f"{scheme}{user}:{MASK}@" if password else userinfo[0]


def _without_value(parameter: re.Match[str]) -> str:
    return f"{parameter[1]}={MASK}" if _is_secret(parameter) else parameter[0]


def _is_secret(parameter: re.Match[str]) -> bool:
    return unquote(parameter[1]).lower() in SECRETS
