"""Personalized painters: DreamBooth with prior preservation, as a LoRA, on one object's views (after POP3D)."""
