"""A folder of photos to a folder of meshes: the model is loaded once, a bad photo stops none of the others."""

import logging
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput
from ..files import check_output, check_output_folder, write_json
from ..parsing import read_json
from ..progress import Progress
from .resumable import file_digest

log = logging.getLogger("recon3d")
RESULTS = "results.json"  # in the output folder: a row for each photo
OUR_MARK, MARK_WITHIN = b"Recon3D", 4096  # the generator that a GLB's first bytes name
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
        return _report(self.args.report).get("job") == self.key


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
    written = args.output / RESULTS
    if written.exists() and "photos" not in _report(written, {"photos": None}):
        raise BadInput(f"{written} exists already and is not of an earlier run; name another output folder.")
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
    from ..views.photo_camera import camera_from_fov

    unwanted = [name for name in ONE_PHOTO if getattr(args, name, None) is not None]
    if unwanted:
        raise BadInput(
            f"--{unwanted[0].replace('_', '-')} is of one photo, and {args.photo} is a folder; leave it out."
        )
    if getattr(args, "fov", None) is not None:
        camera_from_fov(args.fov, 1, 1)
    if args.output.suffix and not args.output.is_dir():
        raise BadInput(f"{args.photo} is a folder, so {args.output} must be one too; name it without an ending.")
    photos = sorted(path for path in args.photo.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
    if not photos:
        raise BadInput(f"There is no photo in {args.photo}; put some there.")
    for photo, name in zip(photos, _names(photos), strict=True):
        output, report = (args.output / f"{name}{ending}" for ending in (".glb", ".json"))
        own = Namespace(**{**vars(args), "photo": photo, "output": output, "report": report})
        yield Job(own, {"photo": file_digest(photo.read_bytes()), **settings})


def _names(photos: list[Path]) -> list[str]:
    """What the photos' meshes and reports are called without their endings, each its own, whatever the case of letters:
    the stem, or the whole name where stems are alike or the report would be results.json.
    """
    taken = Counter([photo.stem.casefold() for photo in photos] + [Path(RESULTS).stem])
    names = [photo.stem if taken[photo.stem.casefold()] == 1 else photo.name for photo in photos]
    again = [name for name, count in Counter(name.casefold() for name in names).items() if count > 1]
    if again:
        raise BadInput(f"Two photos would both become {again[0]}.glb; rename one of them.")
    return names


def _check_places(job: Job) -> None:
    """`BadInput` where mesh or report cannot be written, or would replace what no run for a folder has made.

    What is no JSON at all in the report's place is a report that was damaged.
    """
    mesh, report = job.args.output, job.args.report
    for path in (mesh, report):
        check_output(path)
    if report.exists():
        others = None if "job" in _report(report, {"job": None}) else report
    else:
        others = mesh if mesh.exists() and OUR_MARK not in mesh.read_bytes()[:MARK_WITHIN] else None
    if others is not None:
        raise BadInput(f"{others} exists already and is of no earlier run; name another output folder.")


def _report(path: Path, damaged: dict | None = None) -> dict:
    """The JSON object in a file; empty for other JSON, `damaged` for what is none."""
    try:
        value = read_json(path, path.name)
    except BadInput:
        return damaged or {}
    return value if isinstance(value, dict) else {}


def _row(job: Job, one: Callable[[Job, Progress], None], progress: Progress) -> dict:
    """Run one job unless it is done. -> its row"""
    row = {"photo": job.args.photo.name, "file": job.args.output.name}
    if job.is_done:
        return {**row, "skipped": True}
    progress.check()
    try:
        _check_places(job)
        one(job, progress)
    except BadInput as error:
        log.warning("%s: %s", job.args.photo.name, error)
        return {"photo": job.args.photo.name, "error": str(error)}
    return row
