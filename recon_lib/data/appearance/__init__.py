"""Materials, patterns, palettes and light."""
