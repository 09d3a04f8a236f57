"""gunicorn's settings, all from config.json: see chatroom/serving.py."""

from chatroom import serving

globals().update(serving.settings(serving.configure()))
