"""The output of commands: text, tables, JSON and progress."""
