"""Deliveries, signed and sent as the provider sends them."""
