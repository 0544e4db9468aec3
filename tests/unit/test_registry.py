"""Plug-ins are found by their files, one is imported at a time, and libraries at their top wait until they are used."""

import subprocess
import sys

import pytest

from simaudit.vocabulary import registry

BASE = "class Base: pass\n"
HEAVY = "loaded = True\nclass Thing: pass\ndef answer(): return 42\n"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes the modules of a package of plug-ins by path, beside a library that is slow to import; its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(files):
        libraries = {"slow/__init__.py": HEAVY, "slow/inner.py": HEAVY, "base.py": BASE}
        for name, text in (libraries | {"plugs/__init__.py": ""} | files).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return "plugs"

    yield write
    for name in [name for name in sys.modules if name.split(".")[0] in ("plugs", "slow", "base")]:
        del sys.modules[name]


def test_plug_ins_are_the_modules_of_a_packages_folders_apart_from_helpers(package):
    name = package(
        {
            "plugs/contract.py": "",
            "plugs/easy/__init__.py": "",
            "plugs/easy/b.py": "",
            "plugs/easy/_shared.py": "",
            "plugs/hard/__init__.py": "",
            "plugs/hard/a.py": "",
        }
    )
    assert registry.modules(name) == {"a": "plugs.hard.a", "b": "plugs.easy.b"}
    assert list(registry.modules(name)) == ["a", "b"]


def test_a_package_without_folders_offers_its_own_modules(package):
    assert registry.modules(package({"plugs/a.py": "", "plugs/_shared.py": ""})) == {"a": "plugs.a"}


def test_only_the_plug_in_that_is_asked_for_is_imported(package):
    plug_in = "from base import Base\nclass A(Base): pass\n"
    name = package({"plugs/a.py": plug_in, "plugs/b.py": plug_in})
    from base import Base

    assert registry.implementation(registry.modules(name)["a"], Base).__name__ == "A"
    assert "plugs.b" not in sys.modules


@pytest.mark.parametrize("classes", ["", "class A(Base): pass\nclass B(Base): pass\n"], ids=["none", "two"])
def test_a_plug_in_must_define_one_class(package, classes):
    package({"plugs/a.py": f"from base import Base\n{classes}"})
    from base import Base

    with pytest.raises(TypeError, match=r"a\.py: must define exactly one Base, and defines (0|2)"):
        registry.implementation("plugs.a", Base)


def test_a_class_that_is_imported_is_not_the_plug_ins_own(package):
    package(
        {
            "plugs/a.py": "from base import Base\nclass A(Base): pass\n",
            "plugs/b.py": "from base import Base\nfrom plugs.a import A\nclass B(A): pass\n",
        }
    )
    from base import Base

    assert registry.implementation("plugs.b", Base).__name__ == "B"


@pytest.mark.parametrize("statement", ["import slow", "import slow.inner", "import slow.inner as slow"])
def test_a_deferred_module_is_loaded_when_it_is_first_used(package, statement):
    package({"plugs/a.py": f"{statement}\ndef use(): return slow.answer()\n"})
    with registry.deferred("slow"):
        from plugs.a import use
    assert "slow" not in sys.modules
    assert use() == 42
    assert sys.modules["slow"].loaded


def test_a_module_inside_a_deferred_one_is_deferred_too(package):
    package({"plugs/a.py": "import slow.inner\ndef use(): return slow.inner.answer()\n"})
    with registry.deferred("slow"):
        from plugs.a import use
    assert not {"slow", "slow.inner"} & set(sys.modules)
    assert use() == 42
    assert "slow.inner" in sys.modules


def test_of_our_own_modules_a_single_one_is_deferred_and_its_package_does_not_remember(package):
    package({"plugs/kin.py": HEAVY, "plugs/a.py": "from plugs import kin\ndef use(): return kin.answer()\n"})
    with registry.deferred("plugs.kin"):
        from plugs.a import use
    assert "plugs.kin" not in sys.modules
    assert not hasattr(sys.modules["plugs"], "kin")
    assert use() == 42


@pytest.mark.parametrize("use", ["from slow import Thing", "import slow\nclass A(slow.Thing): pass"])
def test_a_use_at_the_top_loads_the_library_at_once(package, use):
    package({"plugs/a.py": use, "other/__init__.py": ""})
    with registry.deferred("slow", "other"):
        import plugs.a  # noqa: F401
    assert sys.modules["slow"].loaded


def test_a_library_that_is_loaded_stays_what_it_is(package):
    package({"plugs/a.py": "import slow\n"})
    import slow

    with registry.deferred("slow"):
        from plugs import a
    assert a.slow is slow


def test_nothing_is_left_behind(package):
    package({"plugs/a.py": "import slow.inner\nraise RuntimeError\n"})
    finders = list(sys.meta_path)
    with pytest.raises(RuntimeError), registry.deferred("slow"):
        import plugs.a  # noqa: F401
    assert sys.meta_path == finders
    assert not {"slow", "slow.inner"} & set(sys.modules)


@pytest.mark.parametrize(
    "statement",
    [
        "import torch.nn.functional as F",
        "from diffusers import UNet2DModel",
    ],
)
def test_the_libraries_themselves_can_be_imported_in_any_way(tmp_path, statement):
    """In a fresh interpreter, where none is loaded yet: one that is really imported needs the others itself."""
    (tmp_path / "plug_in.py").write_text(f"{statement}\nimport torch\nclass Mine(torch.nn.Module): pass\n")
    program = (
        "from simaudit.vocabulary import registry\n"
        "with registry.deferred(*registry.HEAVY):\n    import plug_in\n"
        "import torch\nassert issubclass(plug_in.Mine, torch.nn.Module)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
