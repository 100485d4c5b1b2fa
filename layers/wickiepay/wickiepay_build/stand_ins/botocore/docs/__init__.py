"""botocore writes documentation for each client that it makes. Nobody reads it in a function."""
