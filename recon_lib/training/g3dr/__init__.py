"""Training of G3DR."""
