"""VolSDF on a grid of signed distances."""
