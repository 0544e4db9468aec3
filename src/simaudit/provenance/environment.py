"""What computes: the versions of the packages that a job has loaded, and the lock that they should come from."""

import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from simaudit.storage.hashes import sha256_file

LOCK = Path(__file__).parents[3] / "requirements.lock"
COMPUTING = {
    "datasets": "datasets",
    "diffusers": "diffusers",
    "matplotlib": "matplotlib",
    "numpy": "numpy",
    "pandas": "pandas",
    "PIL": "pillow",
    "pyarrow": "pyarrow",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "torch_fidelity": "torch-fidelity",
    "torchmetrics": "torchmetrics",
    "transformers": "transformers",
}
"""The packages whose versions can change a number or a picture: module and package name."""


def environment() -> dict[str, Any]:
    """`versions` by package of those that this process has loaded, and `lock`, the SHA-256 of requirements.lock."""
    loaded = [package for module, package in COMPUTING.items() if module in sys.modules]
    return {"versions": installed(loaded), "lock": sha256_file(LOCK) if LOCK.exists() else None}


def installed(packages: list[str]) -> dict[str, str]:
    """Return the version of each package that is here, without a build's local part (+cpu)."""
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package).split("+")[0]
        except PackageNotFoundError:
            continue
    return dict(sorted(versions.items()))


def differences(recorded: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return what of a record's environment is otherwise here: by package, or the lock, what it was and what it is."""
    here = installed(list(recorded["versions"]))
    other = {
        package: (was, here.get(package, "not installed"))
        for package, was in recorded["versions"].items()
        if here.get(package) != was
    }
    lock = sha256_file(LOCK) if LOCK.exists() else None
    if recorded["lock"] and lock and recorded["lock"] != lock:
        other["requirements.lock"] = (f"sha256 {recorded['lock'][:12]}…", f"sha256 {lock[:12]}…")
    return other
