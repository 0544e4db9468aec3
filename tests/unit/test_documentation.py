"""README.md and docs/: they build as a site, their commands can be typed, their numbers and lists are the code's."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import reference
import rule_graph
import run_numbers
import yaml

from commands_of_pages import Command, commands, missing_paths, wrong
from simaudit.audit.attacks import COARSE, FINE
from simaudit.plan.schema import schema

ROOT = Path(__file__).parents[2]
PAGES = {page.name: page.read_text(encoding="utf-8") for page in run_numbers.pages()}
OF_PROFILES = {"cluster.md"}  # its YAML is a profile of Snakemake


def build(folder):
    """Build the site of a folder with mkdocs.yml and docs/, strictly."""
    program = Path(sys.executable).with_name("zensical")
    return subprocess.run([program, "build", "--strict"], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def source(tmp_path):
    """A copy of what the site is built from."""
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_site_is_built_without_a_warning_and_fetches_nothing(source):
    done = build(source)
    assert done.returncode == 0, done.stdout + done.stderr
    built = {page.name: page.read_text(encoding="utf-8") for page in (source / "site").glob("*.html")}
    assert built.keys() == {page.replace(".md", ".html") for page in PAGES} - {"README.html"} | {"404.html"}
    for name, text in built.items():
        assert not re.search(r"<(?:script|img|iframe)[^>]+src=.?http|<link[^>]+href=.?http", text), name


@pytest.mark.parametrize("link", ["[lost](nowhere.md)", "[lost](glossary.md#nothing)"])
def test_a_link_to_nothing_stops_the_site(source, link):
    with (source / "docs/index.md").open("a", encoding="utf-8") as page:
        page.write(f"\n{link}\n")
    assert build(source).returncode != 0


def test_pictures_of_pages_are_there():
    for page in run_numbers.pages():
        for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", PAGES[page.name]):
            assert (page.parent / picture).is_file(), (page, picture)


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    named = re.findall(r": (\S+\.md)$", navigation, flags=re.MULTILINE)
    assert sorted(named) == sorted(PAGES.keys() - {"README.md"})


def test_links_of_the_readme_lead_somewhere():
    for file, anchor in re.findall(r"\]\(([^)#:]+)(?:#([^)]+))?\)", PAGES["README.md"]):
        assert (ROOT / file).is_file()
        if anchor:
            titles = re.findall(r"^#+ (.*)", PAGES[Path(file).name], flags=re.MULTILINE)
            headings = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            anchors = re.findall(r'<a id="([^"]+)">', PAGES[Path(file).name])
            assert anchor in headings.union(anchors), (file, anchor)


def test_the_readme_is_read_on_two_screens():
    assert len(PAGES["README.md"].splitlines()) <= 90


@pytest.mark.parametrize("page", reference.PAGES)
def test_a_page_that_is_made_from_the_code_says_what_the_code_says(page):
    assert reference.PAGES[page]() == PAGES[page], "make docs"


def test_the_picture_of_the_rules_has_their_arrows():
    assert rule_graph.drawn() == rule_graph.arrows(), "python docs/generate/rule_graph.py"


def test_numbers_of_the_default_run_are_those_of_a_run():
    numbers = run_numbers.read(run_numbers.EXTRACT)
    assert numbers.keys() == run_numbers.mentioned(), "make doc-numbers"
    for page, text in PAGES.items():
        assert run_numbers.written(text, numbers) == text, f"{page}: make doc-numbers"
        at_the_beginning_of_a_line = re.findall(r"^[ >-]*<!--[^ ].*", text, flags=re.MULTILINE)
        assert not at_the_beginning_of_a_line, "Markdown takes it for a paragraph of its own"


def test_numbers_are_written_with_the_decimals_that_are_there():
    numbers = {"a.auc": [0.91234, 0.85, 0.9876], "b.auc": [-0.0512, None, None]}
    page = "0.5 <!--a.auc-->0.5 [0.10, 0.200]<!--/--> <!--a.auc-->1 %<!--/--> <!--b.auc-->0.00<!--/-->"
    said = "0.5 <!--a.auc-->0.9 [0.85, 0.988]<!--/--> <!--a.auc-->91 %<!--/--> <!--b.auc-->−0.05<!--/-->"
    assert run_numbers.written(page, numbers) == said


def test_a_number_that_a_figure_alone_has_is_of_the_one_row_that_its_id_names(tmp_path):
    table = tmp_path / "net/norms.csv"
    table.parent.mkdir()
    table.write_text("norm,at,auc,auc_low,auc_high\n1,5,0.1,0.0,0.2\n2,5,0.7,0.6,0.8\n2,9,0.9,0.8,1.0\n")
    assert run_numbers.drawn("net/norms.csv:norm=2,at=9", tmp_path) == [0.9, 0.8, 1.0]
    with pytest.raises(ValueError, match="too many"):
        run_numbers.drawn("net/norms.csv:norm=2", tmp_path)


def test_counts_in_sentences_are_those_of_the_code():
    attacks = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["attacks"]
    assert all(
        f" {len(attacks)} attacks" in PAGES[page].replace("\n", " ")
        for page in ("README.md", "default-run.md")
    )
    queries = (
        len(FINE) + 2 * len(COARSE) + (1 + len(COARSE))
    )  # of SimA, SimA-AV and PIA; loss asks as SimA-AV does
    said = f"The default attacks ask {queries} times per image; `--attacks sima` asks {len(FINE)} times"
    assert said in PAGES["your-model.md"]


def test_every_command_can_be_typed():
    found = list(commands())
    assert len({command.page for command in found}) > 10
    assert not [said for command in found if (said := wrong(command))]


@pytest.mark.parametrize(
    "words",
    [
        "simaudit adit",
        "simaudit audit --modle x",
        "simaudit audit --model my-model",
        "simaudit figure norms --set atack=sima",
        "simaudit trace results/report/page.html",
        "snakemake --cors all",
        "snakemake --cores all --configfile experiments/none.yaml",
        "snakemake --cores all results/none.json",
        "dvc repo",
        "dvc exp run -S targets.digits-optimal.schedule.beta_end=0.03",
        "make documentation",
    ],
)
def test_a_command_that_cannot_be_typed_is_found(words):
    assert wrong(Command("page.md", tuple(words.split()), whole=True))


def test_files_that_pages_name_are_there():
    assert not {page: missing for page, text in PAGES.items() if (missing := missing_paths(text))}
    assert missing_paths("`src/simaudit/simaa.py` and `results/nummers.json`, `results/numbers.json`") == {
        "src/simaudit/simaa.py",
        "results/nummers.json",
    }


def test_parameters_that_pages_show_exist():
    whole = schema()
    for page in PAGES.keys() - OF_PROFILES:
        for block in re.findall(r"^```yaml\n(.*?)^```", PAGES[page], flags=re.DOTALL | re.MULTILINE):
            jsonschema.validate(yaml.safe_load(block), whole)


def test_the_python_of_the_page_about_figures_runs(small_run):
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGES["figures.md"], flags=re.DOTALL | re.MULTILINE)
    names = {}
    exec(block.replace('Path("results"), "digits-ddpm"', f'Path("{small_run.audit.path}"), "net"'), names)
    assert set(names["figure"].values["attack"]) >= {"sima", "loss"}
