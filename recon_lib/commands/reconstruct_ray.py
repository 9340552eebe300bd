"""A folder's photos spread over processes, GPUs or the machines of a Ray cluster, by Ray Data (an extra)."""

import json
import logging
from argparse import Namespace
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import BadInput
from ..parsing import whole_number
from .reconstruct_folder import Engine, Job, run_job

MOST_WORKERS = 4096
PACKAGE = Path(__file__).resolve().parents[2]  # where `recon_lib` is imported from, the same on every machine


def check_ray(workers: int | None) -> None:
    """`BadInput` without Ray Data, or for a number of workers that is none."""
    if find_spec("ray") is None or find_spec("pyarrow") is None:
        raise BadInput(
            "--engine ray needs Ray Data; install it by `python -m pip install -r requirements/ray.txt`, or leave the "
            "option out."
        )
    if workers is not None:
        whole_number(workers, "--workers", 1, MOST_WORKERS)


def over_ray(args: Namespace) -> Engine:
    """The engine that has workers, each with a model of its own, take the next job as soon as they are free.

    args: of the whole folder. Ray starts on this machine, or joins the cluster that RAY_ADDRESS names; there the pack,
    the photos and the output must lie at the same paths on every machine.
    """

    def engine(jobs: list[Job]) -> Iterator[tuple[int, dict]]:
        import ray

        own = not ray.is_initialized()
        if own:
            ray.init(
                include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING,
                runtime_env={"env_vars": {"PYTHONPATH": str(PACKAGE)}},
            )  # fmt: skip
        try:
            yield from _rows(args, jobs)
        finally:
            if own:
                ray.shutdown()

    return engine


def plan(cpus: int, gpus: int, jobs: int, workers: int | None, device: str) -> tuple[int, dict[str, Any]]:
    """How many workers, and what each takes of the machines: a GPU where there are some, else an even share of cores.

    workers: as asked for; None: one a GPU, or one a core, but no more than jobs.
    """
    on_gpu = gpus > 0 and device != "cpu"
    count = min(workers or (gpus if on_gpu else cpus), jobs)
    share = {"num_gpus": gpus / count if count > gpus else 1} if on_gpu else {}
    return count, {"num_cpus": 1 if on_gpu else max(cpus // count, 1), **share}


def _rows(args: Namespace, jobs: list[Job]) -> Iterator[tuple[int, dict]]:
    import ray
    from ray.data import ActorPoolStrategy, DataContext, from_items

    DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    found = ray.cluster_resources()
    cpus, gpus = (int(found.get(name, 0)) for name in ("CPU", "GPU"))
    count, share = plan(cpus, gpus, len(jobs), args.workers, args.device)
    places = from_items([{"place": place} for place in range(len(jobs))], override_num_blocks=len(jobs))
    given = (_absolute(args), [Job(_absolute(job.args), job.key) for job in jobs], share["num_cpus"])
    done = places.map(RayWorker, fn_constructor_args=given, compute=ActorPoolStrategy(size=count), **share)
    for row in done.iter_rows():
        yield row["place"], json.loads(row["row"])


def _absolute(args: Namespace) -> Namespace:
    """The arguments with paths that hold in another process."""
    return Namespace(**{k: v.absolute() if isinstance(v, Path) else v for k, v in vars(args).items()})


class RayWorker:
    """One process of Ray's: loads the model, then runs jobs by their numbers."""

    def __init__(self, args: Namespace, jobs: list[Job], threads: int) -> None:
        import torch

        from .reconstruct import FolderWorker

        torch.set_num_threads(threads)
        self.jobs, self.work = jobs, FolderWorker(args)

    def __call__(self, item: dict) -> dict:
        """{"place"} -> the same with the job's row as JSON, since rows differ in what they hold."""
        return {"place": item["place"], "row": json.dumps(run_job(self.jobs[item["place"]], self.work))}
