"""A user's two threads, and what a user may ask of the Server."""
