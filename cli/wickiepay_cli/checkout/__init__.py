"""For developers who work in a checkout of this project."""
