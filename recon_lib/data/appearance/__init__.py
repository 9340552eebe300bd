"""Appearance: materials, patterns, palettes, light."""
