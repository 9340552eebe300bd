"""A folder of photos to a folder of meshes: the model is loaded once, a bad photo stops none of the others."""

import logging
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import BadInput
from ..files import check_output_folder, write_json
from ..parsing import read_json
from ..progress import Progress
from .resumable import file_digest

log = logging.getLogger("recon3d")
RESULTS = "results.json"  # in the output folder: a row for each photo
ONE_PHOTO = ("mask", "depth", "camera", "report", "preview", "keep_views")  # options that are about a single photo


@dataclass(frozen=True)
class Job:
    """One photo and what becomes of it."""

    args: Namespace  # as for this photo alone
    key: dict  # by which a finished job is known again: the photo's content and the settings

    @property
    def is_done(self) -> bool:
        """Whether an earlier run has written mesh and report of this very job."""
        if not (self.args.output.is_file() and self.args.report.is_file()):
            return False
        try:
            report = read_json(self.args.report, self.args.report.name)
        except BadInput:
            return False
        return isinstance(report, dict) and report.get("job") == self.key


def reconstruct_folder(
    args: Namespace, settings: dict, one: Callable[[Job, Progress], None], progress: Progress
) -> list[dict]:
    """Run `one` for every photo in the folder `args.photo`. -> rows of photo, file, and error where there was one.

    Meshes and reports are named after their photos; the rows are also written to results.json in `args.output`.
    settings: all that decides a result but the photo; finished jobs of the same settings are skipped.
    Raises `BadInput` when there is no photo, for an output that is a file, and for options of single photos.
    """
    jobs = list(_jobs(args, settings))
    check_output_folder(args.output)
    args.output.mkdir(parents=True, exist_ok=True)
    rows = []
    progress.start("photos", len(jobs))
    for job in jobs:
        rows.append(_row(job, one, progress))
        write_json(args.output / RESULTS, {"photos": rows, "of": len(jobs)})
        progress.step()
    return rows


def _jobs(args: Namespace, settings: dict) -> Iterator[Job]:
    from ..views.image_files import ENDINGS

    unwanted = [name for name in ONE_PHOTO if getattr(args, name, None) is not None]
    if unwanted:
        raise BadInput(
            f"--{unwanted[0].replace('_', '-')} is of one photo, and {args.photo} is a folder; leave it out."
        )
    if args.output.suffix and not args.output.is_dir():
        raise BadInput(f"{args.photo} is a folder, so {args.output} must be one too; name it without an ending.")
    photos = sorted(path for path in args.photo.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
    if not photos:
        raise BadInput(f"There is no photo in {args.photo}; put some there.")
    stems = Counter(photo.stem for photo in photos)
    for photo in photos:
        name = photo.stem if stems[photo.stem] == 1 else photo.name
        output, report = (args.output / f"{name}{ending}" for ending in (".glb", ".json"))
        own = Namespace(**{**vars(args), "photo": photo, "output": output, "report": report})
        yield Job(own, {"photo": file_digest(photo.read_bytes()), **settings})


def _row(job: Job, one: Callable[[Job, Progress], None], progress: Progress) -> dict:
    """Run one job unless it is done. -> its row"""
    row = {"photo": job.args.photo.name, "file": job.args.output.name}
    if job.is_done:
        return {**row, "skipped": True}
    progress.check()
    try:
        one(job, progress)
    except BadInput as error:
        log.warning("%s: %s", job.args.photo.name, error)
        return {"photo": job.args.photo.name, "error": str(error)}
    return row
