"""The painter of a loop, which learns the object anew every so many views (POP3D's DreamBooth)."""

import logging
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ...files import written_whole
from ...parsing import SEEDS, is_file
from ...progress import Progress
from ...stages.outpainting.outpaint import Painter
from ...stages.outpainting.personalize.painter import KIND, personalize, with_lora
from ...views.views import Views
from ...weights.card import file_sha256

log = logging.getLogger("recon3d")


def learned_views(count: int, every: int) -> int:
    """How many views the painter has learned that paints the next one after `count`: the first, and `every` more each
    time."""
    return (count - 1) // every * every + 1


@dataclass
class Learner:
    """Gives the painter for each next view, and keeps what it learned as files beside the loop's checkpoint."""

    painter: Painter
    every: int  # views; 0: it never learns
    kind: str = KIND
    seed: int = 0
    beside: Path | None = None  # of this loop alone: files are called so, with a number; None: nothing outlasts it
    _known: dict[int, Painter] = field(default_factory=dict)  # the last one, by the views that it learned
    _folder: tempfile.TemporaryDirectory | None = None

    def painter_after(self, views: Views, progress: Progress) -> Painter:
        """The painter of the view that comes after `views`."""
        if not self.every:
            return self.painter
        count = learned_views(len(views), self.every)
        if count not in self._known:
            self._known = {count: self._learned(views[:count], progress)}
        return self._known[count]

    def _learned(self, views: Views, progress: Progress) -> Painter:
        target = self._file(len(views))
        digest = target.with_suffix(".sha256")
        if target.is_file() and is_file(digest):
            if digest.read_text(encoding="utf-8", errors="replace") == file_sha256(target):
                log.info("what the painter learned of %d views was kept", len(views))
                return with_lora(self.painter, target)
            log.warning("%s is damaged; the painter learns anew", target)
        seed = (self.seed + len(views)) % (SEEDS[1] + 1)
        learned = personalize(self.painter, views, target, kind=self.kind, seed=seed, progress=progress)
        with written_whole(digest) as beside:
            beside.write_text(file_sha256(target), encoding="utf-8")
        return learned

    def _file(self, count: int) -> Path:
        if self.beside:
            return self.beside.with_name(f"{self.beside.name}-{count}.safetensors")
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="recon3d-", ignore_cleanup_errors=True)
        return Path(self._folder.name) / f"{count}.safetensors"
