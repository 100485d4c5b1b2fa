"""What a command shows: text, tables, JSON and progress."""
