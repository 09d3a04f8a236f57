"""The history that lasts as long as the process."""
