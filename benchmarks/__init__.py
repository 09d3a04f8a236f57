"""Benchmarks against comparable chat servers: see README.md."""
