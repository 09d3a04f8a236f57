"""gunicorn's settings, all from config.json: see chatroom/serving/gunicorn.py."""

from pathlib import Path

from chatroom.serving.gunicorn import load

globals().update(load(Path(__file__).resolve().parent))
