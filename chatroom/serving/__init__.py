"""How the room is served: gunicorn's settings and hooks, and what the machine can carry."""
