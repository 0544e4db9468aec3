"""The page in a real browser: on a desktop and a phone, light and dark, by mouse and keyboard, and in print."""

import os
import shutil
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
QUIET += ["--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        missing = "needs Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, reported):
    """Opens the page as a device of a size and colour scheme does; what it asks of the network and says is checked."""
    opened = []

    def open_page(size="desktop", scheme="light", script=True):
        context = browser.new_context(
            viewport=SIZES[size], color_scheme=scheme, java_script_enabled=script, reduced_motion="reduce"
        )
        page, said, asked = context.new_page(), [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((reported.path / "report/index.html").as_uri())
        opened.append((context, said, asked))
        return page

    yield open_page
    for context, said, asked in opened:
        context.close()
        assert said == []
        assert [url for url in asked if not url.startswith("data:")] == [
            (reported.path / "report/index.html").as_uri()
        ]


def violations(page):
    return [(found["id"], found["nodes"][0]["html"]) for found in Axe().run(page).response["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits_and_anyone_can_use_it(open_page, size, scheme):
    page = open_page(size, scheme)
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    page.locator("#verdicts a.number").first.click()
    assert violations(page) == []


def test_the_first_screen_says_the_verdict_and_whether_controls_passed(open_page):
    for size in SIZES:
        page, height = open_page(size), SIZES[size]["height"]
        assert page.get_by_role("heading", name="audited targets leak").bounding_box()["y"] < height / 2
        assert page.get_by_text("7 of 7 controls passed, so").bounding_box()["y"] < height / 2
        assert page.get_by_text("Who can do this:").bounding_box()["y"] < height


def test_the_other_theme_is_one_click_away_and_pictures_stay_on_white(open_page):
    page = open_page(scheme="dark")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(paper)
    plate = page.locator(".plate").first.evaluate("plate => getComputedStyle(plate).backgroundColor")
    assert plate == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Light", exact=True).click()
    assert page.evaluate(paper) != dark
    assert page.get_by_role("button", name="Dark", exact=True).is_visible()
    assert violations(page) == []


def test_a_number_opens_its_source_and_the_keyboard_closes_it(open_page, small_run):
    page, numbers = open_page(), small_run.findings.ledger.numbers
    link = page.locator("#verdicts td a.number").first
    name = unquote(link.get_attribute("href")).removeprefix("#number-")
    link.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="Where this number is from")
    told = dict(
        zip(panel.locator("dt").all_inner_texts(), panel.locator("dd").all_inner_texts(), strict=True)
    )
    number = numbers[name]
    assert told["Number"] == name
    assert told["Value"].startswith(f"{number.value} [{number.low}, {number.high}]")
    assert told["File"] == number.source
    assert told["Place"] == number.pointer
    assert told["SHA-256"] == number.source_sha256
    assert told["Made by"] == f"snakemake --cores all {number.source}"
    assert panel.get_by_role("link").first.inner_text().startswith("evaluate/")
    page.keyboard.press("Escape")
    assert panel.is_hidden()
    assert link.evaluate("link => link === document.activeElement")


def test_the_panel_leads_to_the_jobs_that_a_number_comes_from(open_page):
    page = open_page()
    page.locator("#verdicts a.number").first.click()
    panel = page.get_by_role("dialog", name="Where this number is from")
    job = panel.get_by_role("link").last
    name = job.inner_text()
    job.click()
    assert panel.is_hidden()
    assert unquote(page.url).endswith(f"#job-{name}")
    assert page.get_by_role("heading", name=name, exact=True).is_visible()


def test_a_table_is_sorted_by_value_and_says_so(open_page):
    page = open_page()
    page.locator("#target-other summary").first.click()
    table = page.locator("#target-other table").first
    header = table.locator("thead th", has_text="AUC").first
    values = "table => [...table.tBodies[0].rows].map(row => Number(row.cells[4].dataset.is))"
    button = header.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert table.evaluate(values) == sorted(table.evaluate(values), reverse=True)
    button.click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert table.evaluate(values) == sorted(table.evaluate(values))
    assert page.get_by_role("status").inner_text() == "Sorted by AUC, ascending"
    table.locator("thead th", has_text="attack").get_by_role("button").click()
    assert table.locator("[aria-sort]").count() == 1
    attacks = table.locator("tbody th").all_inner_texts()
    assert attacks == sorted(attacks)


def test_sorting_is_of_numbers_and_what_is_missing_comes_last(open_page):
    """As text 9 would come before 10, and a dash before both."""
    page = open_page()
    table = page.locator("#target-net table").first
    given = "(table, values) => values.forEach((v, i) => table.tBodies[0].rows[i].cells[4].dataset.is = v)"
    table.evaluate(given, ["", "9"])
    table.evaluate("table => table.tBodies[0].append(table.tBodies[0].rows[0].cloneNode(true))")
    table.evaluate(given, ["", "9", "10"])
    for expected in (["10", "9", ""], ["9", "10", ""]):
        table.locator("thead th", has_text="AUC").first.get_by_role("button").click()
        found = table.evaluate("table => [...table.tBodies[0].rows].map(row => row.cells[4].dataset.is)")
        assert found == expected


def test_a_link_to_a_folded_target_unfolds_it(open_page):
    page = open_page()
    target = page.locator("#target-net-seed1")
    assert target.get_attribute("open") is None
    page.locator("nav").get_by_role("link", name="net-seed1").click()
    assert target.locator("table").first.is_visible()


def test_a_wide_table_scrolls_in_its_own_frame_by_keyboard(open_page):
    page = open_page("phone")
    frame = page.locator("#target-net .scroll").first
    frame.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("frame => frame.scrollLeft > 0", arg=frame.element_handle())


def test_it_can_be_read_without_script(open_page, small_run):
    page = open_page(script=False)
    assert page.get_by_role("button").count() == 0
    link = page.locator("#verdicts a.number").first
    name = unquote(link.get_attribute("href")).removeprefix("#number-")
    link.click()
    assert page.locator(f'[id="number-{name}"]').is_visible()  # its folded list opens for it
    assert page.locator("#target-net table").first.is_visible()


def test_in_print_every_target_is_there_in_black_on_white_and_no_control_is(open_page):
    page = open_page(scheme="dark")
    page.emulate_media(media="print")
    for target in ("net", "net-seed1", "other", "raw"):
        row = page.locator(f"#target-{target} tbody th").first
        assert row.evaluate("row => row.checkVisibility({contentVisibilityAuto: true})"), target
    assert page.locator("nav").is_hidden()
    assert page.locator("#theme").is_hidden()
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    wide = page.locator("#target-net .scroll").first
    page.set_viewport_size({"width": 720, "height": 1000})  # about A4 between its margins
    assert wide.evaluate("frame => frame.scrollWidth <= frame.clientWidth + 1"), "a table is cut"
