"""Does every requirement have a wheel on each platform and Python that the pack promises?

    python tools/check_wheels.py [--requirements requirements.txt] [--json]

Asks the package index through pip, one dry run per platform and Python version, installs nothing. Markers are
evaluated for the target, not for the machine that asks (pip itself would use the latter). Exit code 1 if a wheel
is missing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
# name -> (pip platform tags, marker environment)
PLATFORMS = {
    "linux-x86_64": (
        ("manylinux2014_x86_64", "manylinux_2_28_x86_64"),
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "os_name": "posix"},
    ),
    "linux-aarch64": (
        ("manylinux2014_aarch64", "manylinux_2_28_aarch64"),
        {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "aarch64", "os_name": "posix"},
    ),
    "windows-x86_64": (
        ("win_amd64",),
        {"sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64", "os_name": "nt"},
    ),
    "macos-arm64": (
        ("macosx_14_0_arm64",),
        {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64", "os_name": "posix"},
    ),
    "macos-x86_64": (
        ("macosx_14_0_x86_64",),
        {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "x86_64", "os_name": "posix"},
    ),
}


def read_requirements(path: Path) -> list[Requirement]:
    """The requirements of a plain requirements file (no options, no includes)."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line]


def applying(requirements: list[Requirement], platform: str, python: str) -> list[str]:
    """Names and version limits that hold on `platform` with `python`."""
    environment = {**PLATFORMS[platform][1], "python_version": python, "python_full_version": f"{python}.0"}
    applicable = [r for r in requirements if r.marker is None or r.marker.evaluate(environment)]
    return [f"{r.name}{r.specifier}" for r in applicable]


def dry_run(names: list[str], platform: str, python: str) -> dict[str, str] | None:
    """Versions that pip would take, by name; None if one of them has no wheel."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        tags = [word for tag in PLATFORMS[platform][0] for word in ("--platform", tag)]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
        command += ["--only-binary=:all:", "--target", folder, "--python-version", python, "--report", str(report)]
        if subprocess.run([*command, *tags, *names], capture_output=True, check=False).returncode:
            return None
        picked = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {item["metadata"]["name"]: item["metadata"]["version"] for item in picked}


def missing_on(names: list[str], platform: str, python: str) -> list[str]:
    """Requirements without a wheel. All are tried at once; only after a failure one by one."""
    if dry_run(names, platform, python) is not None:
        return []
    return [name for name in names if dry_run([name], platform, python) is None]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requirements", type=Path, default=ROOT / "requirements.txt")
    parser.add_argument("--python", nargs="*", default=PYTHONS)
    parser.add_argument("--platform", nargs="*", default=list(PLATFORMS), choices=list(PLATFORMS))
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    args = parser.parse_args()
    requirements = read_requirements(args.requirements)
    table = {
        f"{platform} {python}": missing_on(applying(requirements, platform, python), platform, python)
        for platform in args.platform
        for python in args.python
    }
    lines = [
        f"{target:22} {'all wheels' if not gone else 'MISSING ' + ', '.join(gone)}" for target, gone in table.items()
    ]
    sys.stdout.write((json.dumps(table, indent=2) if args.json else "\n".join(lines)) + "\n")
    return int(any(table.values()))


if __name__ == "__main__":
    raise SystemExit(main())
