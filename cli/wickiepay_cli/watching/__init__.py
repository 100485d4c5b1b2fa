"""Deliveries as they arrive, and what becomes of each."""
