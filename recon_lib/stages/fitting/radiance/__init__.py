"""Radiance fields fitted to posed views by volume rendering."""
