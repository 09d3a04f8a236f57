"""What all applications have in common, made for the first of them: half of what one takes.

The page's files are read and compressed, the templates compiled, and the functions built that make
an address of each route.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, ClassVar
from unittest.mock import patch

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

from chatroom.web import page
from chatroom.web.assets import Assets

read_once = cache(Assets)


class CompiledOnce(BytecodeCache):
    """The templates."""

    def __init__(self) -> None:
        self._compiled: dict[str, Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._compiled.get(bucket.key + bucket.checksum)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key + bucket.checksum] = bucket.code


compile_once = {"bytecode_cache": CompiledOnce()}


class BuiltOnce(Rule):
    """All applications have the same routes."""

    _built: ClassVar[dict[tuple[str, bool], Any]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Any:
        key = self.rule, append_unknown
        if key not in self._built:
            self._built[key] = super()._compile_builder(append_unknown)
        return self._built[key]


@contextmanager
def made_once() -> Iterator[None]:
    """Applications that are made in the block share it."""
    with (
        patch.object(page, "Assets", read_once),
        patch.dict(Flask.jinja_options, compile_once),
        patch.object(Flask, "url_rule_class", BuiltOnce),
    ):
        yield
