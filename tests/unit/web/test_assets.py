"""The page's files: what is served, under which address, and how small."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from chatroom.web.assets import MEDIA_TYPES, Assets
from tests.support import CHECKOUT

FILES = {
    "chat.css": ".message { margin: 0 }\n" * 20,
    "chat.js": 'import { a } from "./a.js";\n' * 10,
    "icons/icon.svg": "<svg/>",
}


def write(folder: Path, files: Mapping[str, str | bytes]) -> Assets:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Assets(folder)


# -- which files -------------------------------------------------------------------------------


def test_all_files_of_the_page_are_there_with_their_media_types(tmp_path: Path):
    assets = write(tmp_path, FILES)

    assert {name: assets[name].media_type for name in assets} == {
        "chat.css": "text/css",
        "chat.js": "text/javascript",
        "icons/icon.svg": "image/svg+xml",
    }
    assert assets["chat.css"].body.decode() == FILES["chat.css"]


@pytest.mark.parametrize(
    "name", ["chat.js~", "chat.js.orig", ".chat.js", ".git/x.js", "node_modules/x/x.js", "x.py"]
)
def test_what_lies_about_is_not_served(tmp_path: Path, name: str):
    assets = write(tmp_path, {**FILES, name: "x"})

    assert list(assets) == sorted(FILES)
    assert assets.version == write(tmp_path, FILES).version


def test_every_file_of_the_checkout_is_served():
    """Whoever adds one with another ending adds its media type."""
    folder = CHECKOUT / "static"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.*") if path.is_file()}

    assert files
    assert files == set(Assets(folder))


def test_the_media_types_have_endings():
    assert all(ending.startswith(".") and "/" in kind for ending, kind in MEDIA_TYPES.items())


def test_indentation_and_comments_stay_at_home_and_no_line_moves(tmp_path: Path):
    script = """\
/**
 * What it is for.
 */
export const a = /** @type {any} */ ("// no comment"); // why
  // a reason
if (a) {
  /** @type {any} */ (a).b = "/*  "; // 1: "quoted"
  b("a // b"); // c
}
const c = `
*/ https://example.org/*`;
"""
    served = write(tmp_path, {"a.js": script})["a.js"].body.decode()

    assert (
        served
        == """\



export const a = ("// no comment");

if (a) {
(a).b = "/*  "; // 1: "quoted"
b("a // b");
}
const c = `
*/ https://example.org/*`;
"""
    )


def test_a_style_goes_without_its_comments_too(tmp_path: Path):
    style = """\
/* What
   it is for. */
a {
  color: red; /* why */
  content: "a /* b */"; /* a "word" */
  background: url( //example.org);
}
"""
    served = write(tmp_path, {"a.css": style})["a.css"].body.decode()

    assert (
        served
        == """\


a {
color: red;
content: "a /* b */"; /* a "word" */
background: url( //example.org);
}
"""
    )


def test_a_style_comes_with_those_that_it_imports_in_their_places(tmp_path: Path):
    """One request, in the order of the cascade."""
    files = {
        "chat.css": '/* why */\n@import "./css/a.css";\n@import "./css/b.css";\nc { top: 0 }\n',
        "css/a.css": '@import "./more/x.css";\na { top: 0 }\n',
        "css/b.css": "b { top: 0 }\n",
        "css/more/x.css": "x { top: 0 }\n",
    }
    served = write(tmp_path, files)["chat.css"].body.decode()

    assert re.findall(r"(\w) { top: 0 }", served) == ["x", "a", "b", "c"]
    assert "@import" not in served


def test_what_is_not_a_style_of_ours_stays_an_import(tmp_path: Path):
    style = '@import "https://example.org/a.css";\n@import "./a.css" print;\n'

    assert write(tmp_path, {"chat.css": style})["chat.css"].body.decode() == style


def test_a_style_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"b\.css"):
        write(tmp_path, {"chat.css": '@import "./b.css";\n'})


# -- versions ----------------------------------------------------------------------------------


def test_the_same_files_are_the_same_version_wherever_they_are(tmp_path: Path):
    one, two = write(tmp_path / "one", FILES), write(tmp_path / "two", FILES)

    assert one.version == two.version
    assert one["chat.js"] == two["chat.js"]


@pytest.mark.parametrize(
    "change",
    [{"chat.css": ""}, {"new.js": ""}, {"icons/icon.svg": FILES["icons/icon.svg"] + " "}],
)
def test_another_file_is_another_version(tmp_path: Path, change: dict[str, str]):
    before = write(tmp_path, FILES).version

    assert write(tmp_path, change).version != before


def test_a_style_changes_with_each_that_it_imports(tmp_path: Path):
    before = write(tmp_path, {"chat.css": '@import "./css/a.css";\n', "css/a.css": "a { top: 0 }"})
    after = write(tmp_path, {"css/a.css": "a { top: 1px }"})

    assert after.version != before.version
    assert after["chat.css"].hash != before["chat.css"].hash


def test_another_name_is_another_version(tmp_path: Path):
    before = write(tmp_path, FILES).version
    (tmp_path / "chat.js").rename(tmp_path / "chat2.js")

    assert Assets(tmp_path).version != before


def test_what_changes_later_changes_nothing_until_the_next_start(tmp_path: Path):
    """While a new version is being copied, nobody gets half of it."""
    assets = write(tmp_path, FILES)
    (tmp_path / "chat.css").write_text("half of i")

    assert assets["chat.css"].body.decode() == FILES["chat.css"]


def test_a_file_is_found_under_its_name_and_under_its_version(tmp_path: Path):
    assets = write(tmp_path, FILES)

    assert assets.find("chat.js") == (assets["chat.js"], False)
    assert assets.find("icons/icon.svg") == (assets["icons/icon.svg"], False)
    assert assets.find(f"{assets.version}/icons/icon.svg") == (assets["icons/icon.svg"], True)


def test_another_version_is_what_there_is_now_but_not_for_ever(tmp_path: Path):
    assets = write(tmp_path, FILES)

    assert assets.find(f"{'0' * 16}/chat.js") == (assets["chat.js"], False)


@pytest.mark.parametrize("path", ["", "/", "x.js", "../chat.js", "0" * 16, f"{'0' * 15}/chat.js"])
def test_what_is_not_there_is_not_found(tmp_path: Path, path: str):
    asset, current = write(tmp_path, FILES).find(path)

    assert asset is None
    assert not current


# -- compression -------------------------------------------------------------------------------


def test_text_is_compressed_and_comes_out_as_it_was(tmp_path: Path):
    script = write(tmp_path, FILES)["chat.js"]

    assert script.gzipped
    assert len(script.gzipped) < len(script.body) / 2
    assert gzip.decompress(script.gzipped) == script.body


def test_the_same_file_is_compressed_to_the_same_bytes_at_any_time(tmp_path: Path):
    """Its ETag stays after a restart."""
    script = write(tmp_path, FILES)["chat.js"]

    assert script.gzipped
    assert script.gzipped[4:8] == bytes(4)  # RFC 1952: the time


def test_what_compression_would_not_make_smaller_stays_as_it_is(tmp_path: Path):
    noise = bytes(i * i * 31 % 251 for i in range(50))
    assets = write(tmp_path, {"icon.png": noise, "small.css": "a{}"})

    assert assets["icon.png"].gzipped is None
    assert assets["small.css"].gzipped is None


# -- modules -----------------------------------------------------------------------------------


def test_modules_are_found_through_all_levels_each_once(tmp_path: Path):
    assets = write(
        tmp_path,
        {
            "chat.js": 'import { a } from "./a.js";\nimport {\n  b,\n} from "./parts/b.js";\n',
            "a.js": "import './parts/b.js';\nexport const x = 1;\n",
            "parts/b.js": 'export * from "../c.js";\nexport { d } from "./d.js";\n',
            "parts/d.js": "",
            "c.js": 'import "./chat.js";\n',
            "alone.js": "",
        },
    )

    assert assets.modules("chat.js") == ["a.js", "parts/b.js", "c.js", "parts/d.js"]
    assert assets.modules("alone.js") == []


def test_what_only_looks_like_an_import_is_none(tmp_path: Path):
    """What is loaded later, what a comment or a type speaks of, what is not ours."""
    script = """\
/** @typedef {import("./late.js").Late} Late */
// import "./late.js";
const later = () => import("./late.js");
export const address = new URL("./late.js", import.meta.url);
export const text = "./late.js";
import "late.js";
import "./missing.js";
"""
    assets = write(tmp_path, {"chat.js": script, "late.js": ""})

    assert assets.modules("chat.js") == []
