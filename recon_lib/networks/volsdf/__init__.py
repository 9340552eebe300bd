"""VolSDF's networks (Yariv et al., NeurIPS 2021)."""
