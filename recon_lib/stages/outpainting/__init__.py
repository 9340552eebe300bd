"""Outpainting: what a next view lacks, painters, painted views."""
