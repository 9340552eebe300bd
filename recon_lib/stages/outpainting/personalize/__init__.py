"""Painters learn one object from its views so far: DreamBooth with prior preservation, as a LoRA (after POP3D)."""
