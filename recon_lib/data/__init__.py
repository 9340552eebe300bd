"""Data engine: procedural solids, appearance, backgrounds, renders, shards. Nothing at inference imports it."""
