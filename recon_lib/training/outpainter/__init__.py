"""Training of the outpainter on simulated outpaint masks of orbits."""
