"""Photos an hour: a folder in one command, with and without Ray, against one command a photo.

    python -m benchmarks.folder_throughput [--photos 40] [--workers 2] [--options "--resolution 96 ..."]

Photos are the shipped ones, cut and mirrored so that none is like another. All three ways run one after the other on
the same machine and must give the same bytes. Ray's only with OMP_NUM_THREADS=1: else its workers share the cores, and
sums over a different number of threads are rounded differently. Results: benchmarks/results/folder_throughput.json.
"""

import argparse
import json
import os
import platform
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = sorted((ROOT / "assets" / "photos").glob("*.jpg"))
RESULTS = ROOT / "benchmarks" / "results" / "folder_throughput.json"


def make_photos(folder: Path, count: int) -> list[Path]:
    """`count` different photos: every shipped one, then cut by a pixel more each round, mirrored every second."""
    made = []
    for number in range(count):
        around, photo = divmod(number, len(PHOTOS))
        with Image.open(PHOTOS[photo]) as image:
            cut = ImageOps.crop(image.convert("RGB"), 2 * around) if around else image.convert("RGB")
            made.append(folder / f"{number:03}.png")
            (ImageOps.mirror(cut) if around % 2 else cut).save(made[-1])
    return made


def run(*arguments: str) -> np.ndarray:
    """Seconds of one `reconstruct` command: of the clock, and of the processor (without Ray's workers)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "recon_lib", "reconstruct", *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return np.array([time.perf_counter() - started, worked])


def measured(photos: list[Path], room: Path, workers: int, options: list[str]) -> dict[str, np.ndarray]:
    """Seconds of all photos: one command each, the folder here, the folder over Ray."""
    single = room / "single"
    single.mkdir()
    seconds = {"single commands": sum(run(str(p), "-o", str(single / f"{p.stem}.glb"), *options) for p in photos)}
    folder = str(photos[0].parent)
    seconds["folder"] = run(folder, "-o", str(room / "here"), *options)
    over = ["--engine", "ray", "--workers", str(workers)]
    seconds[f"folder, ray, {workers} workers"] = run(folder, "-o", str(room / "ray"), *options, *over)
    return seconds


def check_equal(photos: list[Path], room: Path, ways: list[str]) -> None:
    """Stops where a photo gives different bytes in these ways."""
    for photo in photos:
        if len({(room / way / f"{photo.stem}.glb").read_bytes() for way in ways}) > 1:
            raise SystemExit(f"{photo.name} comes out differently")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--options", default="", help="of reconstruct, as one text")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / "photos"
        folder.mkdir()
        photos = make_photos(folder, args.photos)
        seconds = measured(photos, Path(room), args.workers, shlex.split(args.options))
        threads = os.environ.get("OMP_NUM_THREADS")
        check_equal(photos, Path(room), ["single", "here", *(["ray"] if threads == "1" else [])])
    single = seconds["single commands"]
    times = {way: [round(float(x), 2) for x in single / value] for way, value in seconds.items()}
    told = {
        "photos": args.photos, "options": args.options, "threads": threads,
        "cores": os.cpu_count(), "machine": platform.machine(), "load before": round(load, 2),
        "seconds, clock and processor": {way: [round(float(x), 1) for x in value] for way, value in seconds.items()},
        "times single commands": times,
    }  # fmt: skip
    earlier = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    earlier = [row for row in earlier if row["options"] != args.options]
    RESULTS.write_text(json.dumps([*earlier, told], indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
