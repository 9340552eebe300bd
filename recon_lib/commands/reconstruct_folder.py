"""A folder of photos to a folder of meshes: a model is loaded once, a bad photo stops none of the others."""

import logging
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
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
    def row(self) -> dict:
        """Its row in results.json, without what happened."""
        return {"photo": self.args.photo.name, "file": self.args.output.name}

    @property
    def is_done(self) -> bool:
        """Whether an earlier run has written mesh and report of this very job."""
        if not (self.args.output.is_file() and self.args.report.is_file()):
            return False
        return _report(self.args.report).get("job") == self.key


Engine = Callable[[list[Job]], Iterable[tuple[int, dict]]]  # jobs -> each one's number and row, as they are done


def reconstruct_folder(args: Namespace, settings: dict, engine: Engine, progress: Progress) -> list[dict]:
    """Have `engine` run a job for every photo in the folder `args.photo`. -> rows of photo, file, error

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
    rows = {number: {**job.row, "skipped": True} for number, job in enumerate(jobs) if job.is_done}
    waiting = [number for number in range(len(jobs)) if number not in rows]
    progress.start("photos", len(jobs))
    progress.step(steps=len(rows))
    for place, row in engine([jobs[number] for number in waiting]) if waiting else ():
        rows[waiting[place]] = row
        _write_rows(written, rows, len(jobs))
        progress.step()
    return _write_rows(written, rows, len(jobs))


def _write_rows(path: Path, rows: dict[int, dict], count: int) -> list[dict]:
    """Write the rows, in the order of the photos. -> them"""
    ordered = [rows[number] for number in sorted(rows)]
    write_json(path, {"photos": ordered, "of": count})
    return ordered


def one_after_another(one: Callable[[Job], None]) -> Engine:
    """The engine that runs `one` for each job, here."""
    return lambda jobs: ((place, run_job(job, one)) for place, job in enumerate(jobs))


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


def run_job(job: Job, one: Callable[[Job], None]) -> dict:
    """Run one job. -> its row"""
    try:
        _check_places(job)
        one(job)
    except BadInput as error:
        log.warning("%s: %s", job.args.photo.name, error)
        return {"photo": job.args.photo.name, "error": str(error)}
    return job.row
