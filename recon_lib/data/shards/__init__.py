"""Shards of renders, and the scenes composed of them."""
