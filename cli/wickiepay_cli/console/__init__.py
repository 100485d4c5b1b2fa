"""The console: pages in the browser on which an operator sees every delivery, and acts on it."""
