"""Speed, measured beside the peers: see README.md."""
