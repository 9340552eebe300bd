"""Backgrounds of training scenes."""
