"""Watching deliveries as they arrive, and what becomes of each."""
