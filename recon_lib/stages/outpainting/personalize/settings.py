"""Settings of personalization, and checks of its inputs."""

from dataclasses import dataclass

from ....errors import BadInput
from ....views.views import Views


@dataclass(frozen=True)
class PersonalSettings:
    """Training settings. The defaults are those of Stable Diffusion."""

    steps: int = 200
    rate: float = 1e-4
    rank: int = 8
    prior: float = 1.0  # weight of the prior preservation loss
    class_images: int = 8  # pictures of other such objects that the untuned model paints, for the prior loss

    @property
    def prior_images(self) -> int:
        """Number of prior pictures to paint: none if their loss has no weight."""
        return self.class_images if self.prior else 0


EMBEDDED = PersonalSettings(steps=60, rate=5e-4)  # of the pack's own outpainter: seconds on a CPU; more gains nothing


def check_training_views(views: Views, settings: PersonalSettings) -> None:
    """Raise `BadInput` for missing views, empty masks and settings out of range."""
    if not len(views) or not (views.masks > 0.5).flatten(1).any(1).all():
        raise BadInput("There is no view of the object to train on, or one with an empty mask; connect marked views.")
    if not (settings.steps >= 1 and settings.rank >= 1 and settings.rate > 0 and settings.prior >= 0):
        raise BadInput("Personalising needs at least one step, rank 1, a rate above 0 and a prior weight of 0 or more.")
