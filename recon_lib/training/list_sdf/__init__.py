"""Training of LIST."""
