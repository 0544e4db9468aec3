"""What computes: the versions of the packages that a job's code imports, and the lock that they should come from."""

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from simaudit.provenance import code
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
USING = {"sklearn": "scipy", "torchmetrics": "torch_fidelity"}
"""Packages that compute with another one, which our code need not import."""


def environment(modules: Iterable[str]) -> dict[str, Any]:
    """Return what computes in the code of these modules, whichever other jobs run in the same process.

    `versions` by package of those that the modules import, and `lock`, the SHA-256 of requirements.lock.
    """
    imported = code.imported(modules)
    imported |= {USING[name] for name in imported & USING.keys()}
    used = [package for name, package in COMPUTING.items() if name in imported]
    return {"versions": installed(used), "lock": sha256_file(LOCK) if LOCK.exists() else None}


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
