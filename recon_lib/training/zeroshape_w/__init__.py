"""Training of ZeroShape-W on composed scenes."""
