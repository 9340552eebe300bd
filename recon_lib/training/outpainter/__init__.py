"""Training of the outpainter on outpaint masks of orbits."""
