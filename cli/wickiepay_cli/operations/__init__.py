"""What operators do to a stack, whether they are asked at a terminal or on a page."""
