"""A provider on this machine: its API, its deliveries, and books of its own. For tests, and for desks without a portal.

It is written from the provider's documentation, apart from the client of the API: one mistake cannot be in both.
"""
