"""The small Flask-SocketIO chat over several processes: threads, and Redis between them."""

import os

from flask import Flask
from flask_socketio import SocketIO, send

app = Flask(__name__)
socketio = SocketIO(
    app, async_mode="threading", cors_allowed_origins="*", message_queue=os.environ["ENGINE"]
)


@socketio.on("message")
def on_message(message):
    """To all, the sender included."""
    send(message, broadcast=True)
