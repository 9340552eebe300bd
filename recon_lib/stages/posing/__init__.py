"""Cameras of photographs: refined, guessed on a turntable, or found by structure from motion."""
