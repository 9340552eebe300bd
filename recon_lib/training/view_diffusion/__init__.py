"""Training of the prior of views."""
