"""Backgrounds of training scenes: procedural pictures, crops of photographs, stored banks."""
