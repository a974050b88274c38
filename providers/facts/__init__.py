"""What machines are: one question that reads everything at once, and the parse of its answer."""
