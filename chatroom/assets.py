"""The files of the page, read once: each with its media type, its hash and its gzip.

Why the folder's hash is a segment of the path, ``/static/HASH/chat.js``: ES modules name each
other relatively ("./outbox.js"), and a relative address keeps the segments in front of it. So
all that one page loads is of one version and may be cached for ever, without a build step that
writes hashes into imports, and without an import map, which would have to be an inline script.
The price is that one changed file makes browsers load all of them again: 60 kB at most.
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
"""By the file's ending; what has another one, such as an editor's copy, is not served.
A table of our own: what the ``mimetypes`` module says depends on the machine."""

WORTHWHILE = 0.9
"""A gzip is kept where it is no longer than this part of the file: PNG and the like are not."""

_IMPORT = re.compile(
    r"""^(?:import\s*|(?:import|export)\b[^;'"=(]*?\bfrom\s*)["'](\.{1,2}/[^'"]+)["']""",
    re.MULTILINE,
)
"""A static import as a module of ours has it: at the start of a line. ``import()`` is none."""


_STYLE_IMPORT = re.compile(r"""^@import ["'](\.{1,2}/[^"']+)["'];$""", re.MULTILINE)
"""A style sheet of ours in another, on a line of its own. Other addresses stay imports."""

_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*(?:(?!\*/)[\s\S])*\*/[ \t]*)$", re.MULTILINE)
"""Whole lines of it, with no code behind."""

_BEHIND = {
    ".js": re.compile(r"""[ \t]+//[^"'`\n]*$""", re.MULTILINE),
    ".css": re.compile(r"""[ \t]+/\*(?:(?!\*/)[^"'\n])*\*/$""", re.MULTILINE),
}
"""The comment behind code, by the file's ending. With a quote in it, it might be part of a text,
and stays; a text without a line's end has its closing quote behind whatever looks like one."""

_CAST = re.compile(r"/\*\* @type \{[^\"'`\n]*?\} \*/ ")
"""A type in the midst of code, for tsc alone."""

_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
"""No text of ours goes over the end of a line: in there it would be a part of the text."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: whole when made, never changed after."""

    name: str
    """Its path within the folder, with slashes."""
    media_type: str
    body: bytes
    gzipped: bytes | None
    """None where it would save next to nothing."""
    hash: str


class Assets:
    """All files of a folder, in memory: what is served is what was there at the start.

    So the page and its parts are of one moment, as the program's code is, also while a newer
    version is being copied over the old one.
    """

    def __init__(self, folder: Path) -> None:
        names = sorted(_names(folder))
        self._assets = {name: _read(folder, name) for name in names}
        whole = "\n".join(f"{asset.hash} {name}" for name, asset in self._assets.items())
        self.version = _hash(whole.encode())
        """16 hex digits, others whenever a file or its name is another."""

    def __contains__(self, name: str) -> bool:
        return name in self._assets

    def __iter__(self) -> Iterator[str]:
        return iter(self._assets)

    def __getitem__(self, name: str) -> Asset:
        """Raises KeyError."""
        return self._assets[name]

    def find(self, path: str) -> tuple[Asset | None, bool]:
        """The file that ``chat.js`` or ``HASH/chat.js`` means, and whether HASH is this version.

        Of another version there is nothing left: it gets what there is now.
        """
        version, _, name = path.partition("/")
        if not re.fullmatch("[0-9a-f]{16}", version):
            return self._assets.get(path), False
        return self._assets.get(name), version == self.version

    def modules(self, name: str) -> list[str]:
        """The modules that this one imports, and those that these import, nearest first.

        A page that names them beforehand has them after one round trip, not one for each level.
        """
        found = [name]
        for module in found:  # grows meanwhile
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
    """The script or style without indentation and comments: more than a quarter of the load.

    Empty lines stand for whole lines of comment, so that a browser counts lines as the file does.
    """
    text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    text = _CAST.sub("", _BEHIND[ending].sub("", text))
    return _INDENTATION.sub("", text)


def _joined(path: Path) -> str:
    """The style sheet, with those that it imports in their places: one request for all of them.

    They must not name other files by ``url()``, which would be taken relative to the whole.
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
    # mtime: the same file gives the same bytes, today and on another machine
    gzipped = gzip.compress(body, 9, mtime=0)
    worthwhile = len(gzipped) <= WORTHWHILE * len(body)
    return Asset(name, MEDIA_TYPES[ending], body, gzipped if worthwhile else None, _hash(body))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
