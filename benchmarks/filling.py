"""Histories filled beforehand, made once and kept: see ``fill.py``."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks import places
from benchmarks.server import StartError

SECONDS = 300
FILL = Path("benchmarks", "fill.py")


def filled(
    messages: int, checkout: Path = places.CHECKOUT, python: Path = places.VENV_PYTHON
) -> Path:
    """A closed database with so many messages, to be copied. 0: one that is empty.

    Args:
        messages: how many.
        checkout: whose code fills it; an older one may refuse what a newer one has made.
        python: one that can import the chat room.
    """
    sources = [*(checkout / "chatroom" / "history").rglob("*.py"), checkout / FILL]
    # Another checkout's go with the run: the next one may compare yet another.
    folder = places.BUILD if checkout == places.CHECKOUT else places.RUNS
    made = folder / f"history-{messages}.db"
    if made.exists() and made.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        return made
    made.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    half_made = made.with_suffix(".part")
    for suffix in ("", "-wal", "-shm", ".lock"):
        Path(f"{half_made}{suffix}").unlink(missing_ok=True)
    done = subprocess.run(
        [python, "-m", "benchmarks.fill", half_made, str(messages)],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no words"]
        raise StartError(f"the history could not be filled: {last[0]}")
    half_made.rename(made)
    return made
