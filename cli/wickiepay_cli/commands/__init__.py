"""The commands, one module for each: what is asked, what is shown."""
