"""A stack's stores: reads and, for operators, writes."""
