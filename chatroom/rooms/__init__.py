"""The Server thread's world: rooms, who is in them, and what is said."""
