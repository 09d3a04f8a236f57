"""The wire: frames and JSON, as pure functions. No thread, no socket, no room."""
