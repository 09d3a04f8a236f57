"""The entry: the WSGI ``app`` for gunicorn; ``python app.py`` serves it."""

from pathlib import Path

from chatroom.dependencies import needed

with needed():
    from chatroom import create_app
    from chatroom.serving.start import app_settings, run

FOLDER = Path(__file__).resolve().parent

if __name__ == "__main__":
    run(FOLDER)

app = create_app(app_settings(FOLDER))
