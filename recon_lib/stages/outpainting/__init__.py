"""Outpainting: masks of what a next view lacks, painters, painted views."""
