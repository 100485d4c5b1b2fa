"""Finding a stack on this machine or in an account."""
