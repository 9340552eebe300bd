"""Multiresolution grids with a small decoder: density and colour at points (after Barron et al. 2023, "Zip-NeRF")."""
