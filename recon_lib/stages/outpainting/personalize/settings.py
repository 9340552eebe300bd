"""How long and how freely a painter learns, and what can be wrong with it."""

from dataclasses import dataclass

from ....errors import BadInput
from ....views.views import Views


@dataclass(frozen=True)
class PersonalSettings:
    """How long and how freely it learns. The defaults are those of Stable Diffusion."""

    steps: int = 200
    rate: float = 1e-4
    rank: int = 8
    prior: float = 1.0  # weight of what the model knew of such objects before
    class_images: int = 8  # pictures of such objects that it paints first, to be held to

    @property
    def painted_first(self) -> int:
        """Pictures that it really paints: none where they weigh nothing."""
        return self.class_images if self.prior else 0


EMBEDDED = PersonalSettings(steps=60, rate=5e-4)  # of the pack's own outpainter: seconds on a CPU; more teaches no more


def check_training_views(views: Views, settings: PersonalSettings) -> None:
    """Raises `BadInput` for missing views, empty masks and settings out of range."""
    if not len(views) or not (views.masks > 0.5).flatten(1).any(1).all():
        raise BadInput("There is no view of the object to learn from, or one with an empty mask; connect marked views.")
    if not (settings.steps >= 1 and settings.rank >= 1 and settings.rate > 0 and settings.prior >= 0):
        raise BadInput("Personalising needs at least one step, rank 1, a rate above 0 and a prior weight of 0 or more.")
