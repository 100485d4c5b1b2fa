"""Commands about the deliveries on record."""
