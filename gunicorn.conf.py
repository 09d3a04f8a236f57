"""gunicorn's settings, all from config.json: see chatroom/serving/gunicorn.py."""

from pathlib import Path

from chatroom.serving.gunicorn import settings
from chatroom.serving.start import configure

globals().update(settings(configure(Path(__file__).resolve().parent)))
