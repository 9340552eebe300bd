"""A command line that is killed at a moment, and run again."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Moment = Callable[[Path, float], bool]  # the folder of the outputs, seconds since the start -> whether to kill now


def run(arguments: list[str], folder: Path, kill: Moment | None = None) -> bool:
    """Run `python -m recon_lib` with outputs in `folder`; -> False when it was killed."""
    command = [sys.executable, "-m", "recon_lib", *(part.replace("OUT", str(folder)) for part in arguments)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        started = time.monotonic()
        while process.poll() is None:
            if kill is not None and kill(folder, time.monotonic() - started):
                process.kill()
                process.wait()
                return False
            time.sleep(0.002)
        assert process.returncode == 0, process.stderr.read()
    return True


def after(seconds: float) -> Moment:
    """So many seconds after the start."""
    return lambda folder, passed: passed >= seconds


def when_there(name: str) -> Moment:
    """As soon as a file or folder is there."""
    return lambda folder, passed: (folder / name).exists()


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, hidden ones too."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
