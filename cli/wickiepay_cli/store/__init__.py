"""What a stack keeps: read and, for operators, written."""
