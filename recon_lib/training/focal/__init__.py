"""Training of the focal network."""
