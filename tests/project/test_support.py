"""The helpers: no name of theirs means something else in the program, or in another helper."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.support import CHECKOUT

TESTS = CHECKOUT / "tests"
SUPPORT = sorted((TESTS / "support").glob("[!_]*.py"))
FILES = sorted(TESTS.rglob("test_*.py"))
PROGRAM = sorted((CHECKOUT / "chatroom").rglob("*.py"))
README = (TESTS / "README.md").read_text()


@dataclass(frozen=True)
class Outline:
    """What one file of Python takes and asks for."""

    imports: tuple[str, ...]
    """The modules that it imports anything from."""

    arguments: frozenset[str]
    """Of its functions; a test's are its fixtures."""


@cache
def outline(path: Path) -> Outline:
    tree = ast.parse(path.read_text())
    nodes = list(ast.walk(tree))
    imports = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    imports += [a.name for node in nodes if isinstance(node, ast.Import) for a in node.names]
    return Outline(
        tuple(imports),
        frozenset(node.arg for node in nodes if isinstance(node, ast.arg)),
    )


def classes(paths: list[Path]) -> Counter[str]:
    """How often each name is that of a class. By the lines: a tree of each file takes a second."""
    return Counter(
        name
        for path in paths
        for name in re.findall(r"^class (\w+)", path.read_text(), re.MULTILINE)
    )


def test_no_helper_bears_the_name_of_a_module_of_the_program() -> None:
    assert {path.stem for path in SUPPORT} & {path.stem for path in PROGRAM} == set()


def test_no_class_bears_the_name_of_a_class_of_the_program_or_of_another() -> None:
    ours = classes([*SUPPORT, *FILES])
    assert ours
    assert ours.keys() & classes(PROGRAM).keys() == set()
    assert {name for name, count in ours.items() if count > 1} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_a_file_of_tests_takes_nothing_from_another(path: Path) -> None:
    ours = {
        name for name in outline(path).imports if name.startswith("tests") or "conftest" in name
    }
    assert {name for name in ours if not name.startswith("tests.support")} == set()


@pytest.mark.parametrize("folder", ["unit", "project"])
def test_the_fast_folders_need_no_server_process_and_no_browser(folder: str) -> None:
    for path in sorted((TESTS / folder).rglob("test_*.py")):
        assert set(outline(path).imports).isdisjoint(
            f"tests.support.{name}" for name in ("server_process", "browser", "cable", "attention")
        ), path
        asked = {"serve", "prepare", "browser", "page_server", "open_tab"}
        assert outline(path).arguments.isdisjoint(asked), path


def test_the_readme_names_every_helper() -> None:
    assert [path.stem for path in SUPPORT if f"`{path.stem}`" not in README] == []
