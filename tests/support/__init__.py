"""What tests share; each module is about one thing, which its first line names."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
