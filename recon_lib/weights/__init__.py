"""Models: cards, registry, embedded weights, folders of other programs."""
