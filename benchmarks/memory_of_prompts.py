"""Whether ComfyUI's memory stays flat: 50 prompts of a light graph, and each shipped graph a few times, cache emptied.

    python -m benchmarks.memory_of_prompts --pid PID [--server http://127.0.0.1:8188] [--runs 3] [--graphs NAME ...]

Needs a running ComfyUI on this Linux machine with the pack, and its process number. Resident memory is read when a
prompt is done and models and cache are freed; what counts is the change from the middle of the runs to their end, as
the first runs load libraries and fill the allocator's pools. Results: benchmarks/results/memory_of_prompts.json.
"""

import argparse
import json
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "memory_of_prompts.json"
OWN_CHECKPOINT = ("g3dr_text_to_3d", "pop3d_native_inpaint")  # ask for a file of the user's
LONG = ("reconfusion", "pop3d")
LIGHT_RUNS, SETTLED = 50, 0.02
LIGHT = {  # camera and hull of the sample views, a coarse mesh, its file
    "1": {"class_type": "Recon3D_LoadViews", "inputs": {"folder": "recon3d_figure", "keep_frame": False}},
    "2": {"class_type": "Recon3D_VisualHull", "inputs": {
        "views": ["1", 0], "resolution": 48, "margin": 1.25, "radius": 1.0, "use_depth": False, "depth_slack": 0.02}},
    "3": {"class_type": "Recon3D_ExtractMesh", "inputs": {
        "field": ["2", 0], "resolution": 48, "level": 0.0, "largest_only": True, "smooth": 0, "max_faces": 0}},
    "4": {"class_type": "Recon3D_SaveMesh", "inputs": {
        "mesh": ["3", 0], "filename_prefix": "memory/light", "format": "glb", "up": "default", "size_mm": 0.0,
        "provenance": False}},
}  # fmt: skip


class Server:
    def __init__(self, address: str, pid: int) -> None:
        self.address, self.pid = address, pid

    def ask(self, path: str, body: dict | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"{}")

    def run(self, prompt: dict) -> None:
        """Run a prompt, then free models and cache."""
        job = self.ask("/prompt", {"prompt": prompt})["prompt_id"]
        while not (done := self.ask(f"/history/{job}")):
            time.sleep(0.1)
        if done[job]["status"]["status_str"] != "success":
            raise SystemExit(json.dumps(done[job]["status"]["messages"][-1])[:500])
        self.ask("/free", {"unload_models": True, "free_memory": True})
        self.ask("/history", {"clear": True})
        time.sleep(1.5)  # the server frees between prompts

    def resident_mb(self) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise SystemExit(f"process {self.pid} tells no memory")


def measured(server: Server, prompt: dict, runs: int) -> dict:
    """Resident megabytes after each run, and by how much the second half of the runs rises."""
    sizes = []
    for _ in range(runs):
        server.run(prompt)
        sizes.append(round(server.resident_mb()))
    middle = sizes[(len(sizes) - 1) // 2]
    return {
        "megabytes": sizes,
        "change": round(sizes[-1] / middle - 1, 4),
        "flat": abs(sizes[-1] / middle - 1) <= SETTLED,
    }


def main() -> None:
    names = sorted(path.stem for path in (ROOT / "workflows" / "api").glob("*.json") if path.stem not in OWN_CHECKPOINT)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--server", default="http://127.0.0.1:8188")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--graphs", nargs="*", default=[name for name in names if name not in LONG], choices=names)
    args = parser.parse_args()
    server = Server(args.server, args.pid)
    told = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    jobs = {"light": (LIGHT, LIGHT_RUNS)}
    for name in args.graphs:
        jobs[name] = json.loads((ROOT / "workflows" / "api" / f"{name}.json").read_text(encoding="utf-8")), args.runs
    for name, (prompt, runs) in jobs.items():
        told[name] = measured(server, prompt, runs)
        sys.stdout.write(f"{name}: {told[name]}\n")
        sys.stdout.flush()
        RESULTS.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
