"""Where things are."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
PEERS = HERE / "peers"
RESULTS = HERE / "results"
BUILD = HERE / ".build"
VENV_PYTHON = BUILD / "venv" / "bin" / "python"
GO_HUB = BUILD / "go_hub"
GO_ORIGINAL = BUILD / "go_original"
FLOOR = BUILD / "floor"
NODE_WS = BUILD / "node_ws"
NODE_SOCKETIO = BUILD / "node_socketio"
POSTGRESQL = BUILD / "postgresql"
"""A link to the folder of its programs."""
REDIS = BUILD / "redis-server"
"""A link to the program."""
RUNS = BUILD / "runs"
"""The folders that servers run in: on the disk, so that a commit costs what it costs."""
