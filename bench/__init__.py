"""The benchmark. `python -m bench` measures everything; with --gate it counts what is gated."""
