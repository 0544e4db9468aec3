"""The site of the documentation, read from its folder in a real browser."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import SIZES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("documentation")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([Path(sys.executable).with_name("zensical"), "build"], cwd=folder, check=True)
    return folder / "site"


@pytest.fixture
def open_page(browser, site):
    """Opens a page of the site in a window of a size; what it asks for, and the errors that it has, are checked."""
    page, asked, errors = browser.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))

    def open_page(name, size="desktop"):
        page.set_viewport_size(SIZES[size])
        page.goto((site / name).as_uri())
        page.wait_for_selector(".md-code__nav, .md-typeset__scrollwrap", state="attached")
        return page

    yield open_page
    page.close()
    assert errors == []
    assert all(url.startswith(("file:", "data:", "about:")) for url in asked)


def test_the_search_works_from_a_folder(open_page):
    page = open_page("index.html")
    page.keyboard.press("/")
    page.wait_for_timeout(500)  # until the theme's own script has opened it
    page.keyboard.type("Clopper", delay=20)
    page.get_by_text("Metrics and their confidence intervals").first.wait_for(timeout=10_000)
    page.keyboard.press("Enter")
    page.wait_for_url("**/evaluation.html*")


@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize("name", ["attacks.html", "commands.html", "provenance.html"])
def test_a_page_has_no_violation_of_accessibility(open_page, name, size):
    page = open_page(name, size)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == []
