"""Cameras, their files, and orbits around an object."""
