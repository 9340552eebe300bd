"""How long ComfyUI's Stop button takes, in ten nodes at heavy settings, against a running ComfyUI with the pack.

    python -m benchmarks.stop_times [--server http://127.0.0.1:8188] [--pid PID] [--nodes ExtractMesh ...]

Needs aiohttp, which ComfyUI's own Python has. For each node Stop is pressed some seconds after the node has begun; what
is measured is the time until the server says that it has stopped. pid: the server's process on this Linux machine, for
the processor time that it takes till then, which other work on the machine does not change. Results:
benchmarks/results/stop_times.json.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path

import aiohttp

RESULTS = Path(__file__).resolve().parent / "results" / "stop_times.json"
AFTER_S = (0.5, 1.5, 3.0, 6.0, 10.0)  # after the node's begin
LONGEST_S = 900


def node(kind: str, **inputs) -> dict:
    return {"class_type": kind if kind in ("LoadImage", "PreviewAny") else f"Recon3D_{kind}", "inputs": inputs}


WHOLE = {"level": 0.0, "largest_only": True, "smooth": 0, "max_faces": 0}
BASE = {
    "photo": node("LoadImage", image="recon3d_dahlia.jpg"),
    "model": node("LoadModel", name="zeroshape_w_mini"),
    "shape": node(
        "RegressShape", model=["model", 0], image=["photo", 0], depth_kind="far is bright (linear depth)",
        meaning="white is the object",
    ),
    "fine": node("ExtractMesh", field=["shape", 0], resolution=512, **WHOLE),
    "coarse": node("ExtractMesh", field=["shape", 0], resolution=128, **WHOLE),
    "views": node("LoadViews", folder="recon3d_figure", keep_frame=False),
}  # fmt: skip
CASES = {
    "RegressShape": {**BASE["shape"]["inputs"]},
    "ExtractMesh": {**BASE["fine"]["inputs"], "resolution": 1024},
    "SimplifyMesh": {"mesh": ["fine", 0], "max_faces": 20_000, "smooth": 50, "largest_only": True},
    "BakeTexture": {"mesh": ["fine", 0], "views": ["shape", 1], "size": 4096, "max_faces": 100_000, "mirror": True},
    "VisualHull": {
        "views": ["views", 0], "resolution": 512, "margin": 1.25, "radius": 1.0, "use_depth": False,
        "depth_slack": 0.02,
    },
    "FitVolSDF": {"views": ["views", 0], "grid": 256, "rounds": 14, "pixels": 512, "seed": 0, "cues": 1.0},
    "FitRadianceField": {
        "views": ["views", 0], "detail": 144, "steps": 400, "pixels": 192, "seed": 0, "hull_start": True,
        "coarse_first": 0.0, "occlusion": 0.0, "depth_ranking": 0.0, "exposure": False, "gradient_scaling": False,
    },
    "Render": {
        "mesh": ["coarse", 0], "frames": 48, "elevation": 15.0, "size": 1024, "shading": "clay", "background": "white",
    },
    "CompareMeshes": {
        "predicted": ["fine", 0], "truth": ["coarse", 0], "align": "similarity", "samples": 1_000_000, "limit": 0.1,
        "seed": 0, "split": "truth",
    },
    "VisibleSurface": {**BASE["shape"]["inputs"]},
}  # fmt: skip
ASKED = {"ExtractMesh": "resolution 1024", "SimplifyMesh": "mesh of resolution 512, smooth 50, to 20,000",
         "BakeTexture": "4096 texels, 100,000 triangles", "VisualHull": "512", "FitVolSDF": "grid 256, 512 pixels",
         "CompareMeshes": "a million points, similarity", "Render": "48 frames of 1024 pixels"}  # fmt: skip


class Server:
    """A running ComfyUI: prompts in, messages out."""

    def __init__(self, address: str, pid: int | None, session: aiohttp.ClientSession, socket) -> None:
        self.address, self.pid, self.session, self.socket = address, pid, session, socket

    def processor_s(self) -> float:
        """Processor seconds that the server has taken; 0 where its process is not known."""
        if self.pid is None:
            return 0.0
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def post(self, path: str, body: dict) -> dict:
        async with self.session.post(self.address + path, json=body) as answer:
            return await answer.json() if answer.content_type == "application/json" else {}

    async def until(self, job: str, *kinds: str, of: str | None = None) -> dict:
        """The next message about a job of one of these kinds; of: of this node."""
        while True:
            message = await asyncio.wait_for(self.socket.receive(), LONGEST_S)
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            told = json.loads(message.data)
            if told["data"].get("prompt_id") != job:
                continue
            if told["type"] in kinds and (of is None or told["type"] != "executing" or told["data"]["node"] == of):
                return told


async def stopped_after(server: Server, name: str, inputs: dict, wait: float) -> tuple[float, float] | None:
    """Seconds from Stop to its answer, of the clock and of the processor; None where the node was done before."""
    graph = {**BASE, "it": node(name, **inputs), "shown": node("PreviewAny", source=["it", 0])}
    answer = await server.post("/prompt", {"prompt": graph, "client_id": "stop_times"})
    if answer.get("node_errors"):
        raise SystemExit(json.dumps(answer["node_errors"])[:500])
    ends = ("execution_success", "execution_error", "execution_interrupted")
    job = answer["prompt_id"]
    begun = await server.until(job, "executing", *ends, of="it")
    if begun["type"] != "executing":
        raise SystemExit(f"{name}: {json.dumps(begun)[:500]}")
    try:
        await asyncio.wait_for(server.until(job, *ends), wait)
    except asyncio.TimeoutError:
        started, worked = time.perf_counter(), server.processor_s()
        await server.post("/interrupt", {})
        end = await server.until(job, *ends)
        took = time.perf_counter() - started, server.processor_s() - worked
        return took if end["type"] == "execution_interrupted" else None
    return None


async def measure(address: str, pid: int | None, names: list[str]) -> dict:
    """All stop times of each node, seconds."""
    found = {}
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{address}/ws?clientId=stop_times") as socket:
        server = Server(address, pid, session, socket)
        await server.post("/free", {"unload_models": True, "free_memory": True})  # what was run before is not cached
        await asyncio.sleep(3)
        for name in names:
            times = []
            for wait in AFTER_S:
                took = await stopped_after(server, name, CASES[name], wait)
                if took is None:  # done sooner, and in the cache from now on
                    break
                times.append([round(seconds, 2) for seconds in took])
            clock, processor = ([pair[which] for pair in times] for which in (0, 1))
            found[name] = {"settings": ASKED.get(name, ""), "clock": clock, "processor": processor}
            sys.stdout.write(f"{name}: {found[name]}\n")
            sys.stdout.flush()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="http://127.0.0.1:8188")
    parser.add_argument("--pid", type=int)
    parser.add_argument("--nodes", nargs="*", default=list(CASES), choices=list(CASES))
    args = parser.parse_args()
    told = {"cores": os.cpu_count(), "load before": round(os.getloadavg()[0], 2)}
    told["nodes"] = asyncio.run(measure(args.server, args.pid, args.nodes))
    if args.nodes == list(CASES):
        RESULTS.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
