"""Codes that open a room's door: those that the server makes up, and hashes of others."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from chatroom.wire.acts import spelt

LETTERS = "bcdfghjkmnpqrstvwxyz"
"""Without look-alikes, and without vowels, so that they make no words."""

LENGTH = 8
"""Letters of a code: 25 billion codes, of which one address can try five a minute."""

COST = 2**14
"""Of one hash: 16 MiB, and about 50 ms of a processor, without the interpreter's lock.

Source: RFC 7914, and OWASP, "Password Storage Cheat Sheet".
"""


def new_code() -> str:
    """A code that is easy to read out, and hard to guess."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def is_code(shown: str, code: str) -> bool:
    """Whether they are the same. Takes as long either way.

    Of a code that the server has made up, capitals, spaces and hyphens do not matter.
    """
    if hmac.compare_digest(_bytes(shown), _bytes(code)):
        return True
    plain = "".join(shown.lower().replace("-", " ").split())
    return hmac.compare_digest(_bytes(plain), _bytes(code))


def hashed(code: str) -> str:
    """What is kept of a code that somebody has made up."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_scrypt(code, salt).hex()}"


def fits(shown: str, code_hash: str) -> bool:
    """Whether this is the code that the hash was made of."""
    salt, _, digest = code_hash.partition(":")
    try:
        found = _scrypt(shown, bytes.fromhex(salt))
    except ValueError:  # it is no hash: nothing opens the door
        return False
    return hmac.compare_digest(found.hex().encode(), _bytes(digest))


def key_id(secret: str) -> str:
    """What a charter calls a key: nobody can make the key of it."""
    return hashlib.sha256(_bytes(secret)).hexdigest()[:32]


def _scrypt(code: str, salt: bytes) -> bytes:
    return hashlib.scrypt(_bytes(spelt(code)), salt=salt, n=COST, r=8, p=1, dklen=32)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
