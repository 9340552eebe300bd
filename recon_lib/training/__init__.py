"""Training: one run loop, and a folder for each learned system."""
