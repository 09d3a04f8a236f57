"""The files of the page, read once: each with its media type, its hash and its gzip.

Why the folder's hash is a segment of the path, ``/static/HASH/chat.js``: ES modules import each
other by relative URL ("./outbox.js"), which keeps the segments in front of it. So everything that
a page loads is of one version and may be cached permanently, without a build step that writes
hashes into imports, and without an import map, which would have to be an inline script. The price
is that one changed file makes browsers reload all of them: 60 kB at most.
"""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MEDIA_TYPES = {
    ".css": "text/css",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wav": "audio/wav",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""By file extension; files with any other one, such as an editor's backups, are not served.
Our own table, because the ``mimetypes`` module depends on the machine."""

WORTHWHILE = 0.9
"""A gzip is kept only if it is at most this fraction of the file, as PNG and the like are not."""

_IMPORT = re.compile(
    r"""^(?:import\s*|(?:import|export)\b[^;'"=(]*?\bfrom\s*)["'](\.{1,2}/[^'"]+)["']""",
    re.MULTILINE,
)
"""A static import as our modules write it, at the start of a line; not a dynamic ``import()``."""


_STYLE_IMPORT = re.compile(r"""^@import ["'](\.{1,2}/[^"']+)["'];$""", re.MULTILINE)
"""One style sheet of ours in another, on a line of its own; other imports stay as they are."""

_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*(?:(?!\*/)[\s\S])*\*/[ \t]*)$", re.MULTILINE)
"""Whole lines of comment."""

_BEHIND = {
    ".js": re.compile(r"""[ \t]+//[^"'`\n]*$""", re.MULTILINE),
    ".css": re.compile(r"""[ \t]+/\*(?:(?!\*/)[^"'\n])*\*/$""", re.MULTILINE),
}
"""The comment after code, by the file's ending. A comment with a quote in it stays: it might be
part of a string, whose closing quote comes after whatever looks like a comment."""

_CAST = re.compile(r"/\*\* @type \{[^\"'`\n]*?\} \*/ ")
"""A type inside an expression, for tsc alone."""

_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
"""None of our string literals spans lines; inside one, indentation would be part of the text."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: complete when created, never changed afterwards."""

    name: str
    """Its path within the folder, with slashes."""
    media_type: str
    body: bytes
    gzipped: bytes | None
    """None if it would save next to nothing."""
    hash: str


class Assets:
    """A snapshot of a folder's files in memory, taken at the start.

    So the page and its parts are of one version, like the program's code, even while a newer
    version is being copied over the old one.
    """

    def __init__(self, folder: Path) -> None:
        names = sorted(_names(folder))
        self._assets = {name: _read(folder, name) for name in names}
        whole = "\n".join(f"{asset.hash} {name}" for name, asset in self._assets.items())
        self.version = _hash(whole.encode())
        """16 hex digits, which change whenever a file or its name does."""

    def __contains__(self, name: str) -> bool:
        return name in self._assets

    def __iter__(self) -> Iterator[str]:
        return iter(self._assets)

    def __getitem__(self, name: str) -> Asset:
        """Raises KeyError."""
        return self._assets[name]

    def find(self, path: str) -> tuple[Asset | None, bool]:
        """The file for ``chat.js`` or ``HASH/chat.js``, and whether HASH is the current version.

        No other version is kept: an outdated HASH gets the current file.
        """
        version, _, name = path.partition("/")
        if not re.fullmatch("[0-9a-f]{16}", version):
            return self._assets.get(path), False
        return self._assets.get(name), version == self.version

    def modules(self, name: str) -> list[str]:
        """The modules that this one imports, directly and indirectly, nearest first.

        A page that preloads them has them after one round trip instead of one per level.
        """
        found = [name]
        for module in found:  # grows during the loop
            script = self[module].body.decode()
            folder = posixpath.dirname(module)
            for target in _IMPORT.findall(script):
                imported = posixpath.normpath(posixpath.join(folder, target))
                if imported in self and imported not in found:
                    found.append(imported)
        return found[1:]


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") or part == "node_modules" for part in name.parts)
        if path.suffix in MEDIA_TYPES and path.is_file() and not hidden:
            yield name.as_posix()


def _bare(text: str, ending: str) -> str:
    """The script or style without indentation and comments, more than a quarter of its size.

    Comment lines become empty lines, so that a browser's line numbers match the file.
    """
    text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    text = _CAST.sub("", _BEHIND[ending].sub("", text))
    return _INDENTATION.sub("", text)


def _joined(path: Path) -> str:
    """The style sheet with its imports in their places: one request for all of them.

    An imported sheet must not use ``url()``: the browser resolves it relative to the whole.
    """
    return _STYLE_IMPORT.sub(
        lambda found: _joined(path.parent / found[1]), path.read_text(encoding="utf-8")
    )


def _read(folder: Path, name: str) -> Asset:
    path = folder / name
    ending = path.suffix
    if ending in _BEHIND:
        text = _joined(path) if ending == ".css" else path.read_text(encoding="utf-8")
        body = _bare(text, ending).encode()
    else:
        body = path.read_bytes()
    # mtime: the same file gives the same bytes, at any time and on any machine
    gzipped = gzip.compress(body, 9, mtime=0)
    worthwhile = len(gzipped) <= WORTHWHILE * len(body)
    return Asset(name, MEDIA_TYPES[ending], body, gzipped if worthwhile else None, _hash(body))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
