"""The page in a real browser: on a desktop and a phone, light and dark, by mouse and keyboard, and in print."""

import itertools
import re
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import SIZES
from reporting import known_of


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
        if script:
            page.wait_for_selector("a.number[href]")
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
    page.wait_for_selector("#jobs article")
    page.wait_for_function("!document.querySelector('[data-packed]')")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    page.locator("#verdicts a.number").first.click()
    panel = page.locator("dialog[open]")
    panel.wait_for()
    boxes = panel.locator("dt, dd").evaluate_all(
        "facts => facts.map(fact => fact.getBoundingClientRect().toJSON())"
    )
    for one, other in itertools.combinations(boxes, 2):
        apart = one["right"] <= other["left"] or other["right"] <= one["left"]
        assert apart or one["bottom"] <= other["top"] + 1 or other["bottom"] <= one["top"] + 1, "overprinted"
    close = panel.get_by_role("button", name="Close").bounding_box()
    assert close["y"] + close["height"] <= SIZES[size]["height"]
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
    link = page.locator('#table-net-attacks a.number[href="#number-net.sima.auc"]')
    link.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="AUC of SimA on net, 95 % limits", exact=True)
    panel.wait_for()
    terms, facts = panel.locator("dt").all_inner_texts(), panel.locator("dd").all_inner_texts()
    told, number = dict(zip(terms, facts, strict=True)), numbers["net.sima.auc"]
    value, low, high = (f"{float(f'{part:.4g}'):g}" for part in (number.value, number.low, number.high))
    assert told["Value"] == f"{value} [{low}, {high}]"
    assert told["Number"] == "net.sima.auc"
    assert told["File"] == number.source
    assert told["Place"] == number.pointer
    assert told["SHA-256"] == number.source_sha256
    assert told["Made by"] == f"snakemake --cores all {number.source}"
    assert panel.get_by_role("link").all_inner_texts() == ["evaluate/net", "score/net/sima"]
    page.keyboard.press("Escape")
    assert panel.is_hidden()
    assert link.evaluate("link => link === document.activeElement")


def test_the_link_of_a_number_says_what_it_is_where_it_is_read_out_alone(open_page):
    page = open_page()
    link = page.locator('#table-net-attacks a.number[href="#number-net.sima.auc"]')
    name = f"{link.text_content()}: AUC of SimA on net, 95 % limits"
    assert page.locator("#table-net-attacks").get_by_role("link", name=name, exact=True).count() == 1
    unnamed = "links => links.filter(link => !link.ariaLabel.startsWith(link.textContent + ': ')).length"
    assert page.locator("a.number").evaluate_all(unnamed) == 0


@pytest.mark.parametrize("allowed", [True, False])
def test_a_number_is_copied_in_full_with_its_source(open_page, small_run, allowed):
    page, number = open_page(), small_run.findings.ledger.numbers["net.sima.auc"]
    page.evaluate(
        "allowed => { navigator.clipboard.writeText = async text => { if (!allowed) throw 0; window.text = text };"
        "document.execCommand = () => { window.text = String(document.activeElement.value); return true } }",
        allowed,
    )
    page.locator('#table-net-attacks a.number[href="#number-net.sima.auc"]').click()
    page.get_by_role("button", name="Copy with source").click()
    page.get_by_text("Copied.").wait_for()
    text = page.evaluate("window.text")
    assert text.startswith(f"AUC of SimA on net, 95 % limits: {number.value} [{number.low}, {number.high}]")
    assert f"(net.sima.auc; {number.source} at {number.pointer}; SHA-256 {number.source_sha256})" in text


def test_the_panel_leads_to_the_jobs_that_a_number_comes_from(open_page):
    page = open_page()
    assert page.locator("#jobs article, #sources article").count() == 0  # made when they are asked for
    page.locator("#table-net-attacks a.number").first.click()
    panel = page.locator("dialog[open]")
    job = panel.get_by_role("link").last
    name = job.inner_text()
    job.click()
    assert page.locator("dialog").is_hidden()
    page.get_by_role("heading", name=name, exact=True).wait_for()
    assert unquote(page.url).endswith(f"#job-{name}")
    assert page.locator(f'[id="job-{name}"] dd').first.is_visible()


def test_sources_list_every_number_when_they_are_opened(open_page, reported):
    page, known = open_page(), known_of(reported.html)
    page.locator("#sources > summary").click()
    page.wait_for_selector("#sources article")
    assert page.locator("#sources article h3").all_inner_texts() == [file["path"] for file in known["files"]]
    page.locator("#sources article summary").first.click()
    page.wait_for_selector("#sources li")
    assert page.locator("#sources li").count() == sum(number["file"] == 0 for number in known["numbers"])


def test_links_lead_to_numbers_figures_and_what_is_folded(open_page):
    page = open_page()
    page.evaluate("location.hash = '#number-net.sima.auc'")
    page.get_by_role("dialog", name="AUC of SimA on net").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("#table-net-seed1-cost").count() == 0
    page.evaluate("location.hash = '#table-net-seed1-cost'")
    page.locator("#table-net-seed1-cost").wait_for()
    assert (
        page.locator("#table-net-seed1-cost a.number")
        .first.get_attribute("href")
        .startswith("#number-net-seed1.")
    )
    for figure in page.locator("main figure").all():
        (own,) = figure.locator(".self").all()
        assert own.get_attribute("href") == f"#{figure.get_attribute('id')}"
        assert own.is_visible() or not figure.is_visible()


@pytest.mark.parametrize("size", SIZES)
def test_the_contents_mark_where_the_reader_is_and_list_its_figures(open_page, size):
    page = open_page(size)
    page.locator("#figure-net-statistic_histogram").evaluate("figure => figure.scrollIntoView()")
    page.wait_for_function(
        "document.querySelector('nav [aria-current=location]')?.hash === '#figure-net-statistic_histogram'"
    )
    assert page.locator("nav [aria-current]").count() == 1
    if size != "desktop":
        assert page.locator("nav a").first.is_hidden()
        page.locator("nav summary").click()
    titles = page.locator('nav li:has(> a[href="#target-net"]) ul a')
    assert titles.all_inner_texts() == page.locator("#target-net figure").evaluate_all(
        "figures => figures.map(figure => figure.dataset.title)"
    )
    assert page.locator('nav li:has(> a[href="#target-other"]) ul a').first.is_hidden()
    titles.last.click()
    page.wait_for_function("[...document.querySelectorAll('#target-net figure')].at(-1).matches(':target')")
    assert page.locator("nav a").first.is_visible() == (size == "desktop")


def test_a_filter_shows_the_rows_that_match_and_says_how_many(open_page):
    page = open_page()
    page.locator("#controls > summary").click()
    table = page.locator("#controls figure.table")
    box, rows = table.get_by_role("searchbox"), table.locator("tbody tr")
    count = rows.count()
    word = rows.nth(1).locator("th, td").first.text_content().split()[0]
    box.fill(word.upper())
    matching = sum(word.lower() in text.lower() for text in rows.all_text_contents())
    assert rows.locator("visible=true").count() == matching
    assert table.get_by_role("status").inner_text() == f"{matching} of {count} rows"
    box.fill("no such words")
    assert rows.locator("visible=true").count() == 0
    box.fill("")
    assert rows.locator("visible=true").count() == count


def test_a_table_is_one_tab_stop_in_which_arrow_keys_move(open_page):
    page = open_page()
    table = page.locator("#table-net-attacks")
    stops = "root => [...root.querySelectorAll('a, button, [tabindex]')].filter(stop => stop.tabIndex >= 0).length"
    assert table.locator("table").evaluate(stops) == 1
    table.get_by_role("button", name="attack").focus()
    for key in ("ArrowRight", "ArrowDown", "End"):
        page.keyboard.press(key)
    last = table.locator("tbody tr").first.locator("td").last
    assert last.locator("a").evaluate("link => link === document.activeElement")
    outline = last.locator("a").evaluate("link => getComputedStyle(link).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "self"
    page.keyboard.press("Shift+Tab")
    assert last.locator("a").evaluate("link => link === document.activeElement")
    page.keyboard.press("Home")
    assert page.evaluate("document.activeElement.localName") == "th"
    shown = page.locator("main").evaluate(stops)
    assert shown < 3 * page.locator("main figure").count() + 60


def test_the_first_tab_stop_skips_to_the_verdicts(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="To the verdicts")
    assert skip.evaluate("link => link === document.activeElement")
    assert skip.bounding_box()["x"] >= 0


def test_a_table_is_sorted_by_value_and_says_so(open_page):
    page = open_page()
    page.locator("#target-other summary").first.click()
    table = page.locator("#target-other table").first
    header = table.locator("thead th", has_text="AUC").first
    values = "table => [...table.tBodies[0].rows].map(row => parseFloat(row.cells[4].textContent))"
    button = header.get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert table.evaluate(values) == sorted(table.evaluate(values), reverse=True)
    button.click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert table.evaluate(values) == sorted(table.evaluate(values))
    assert page.locator("#sorted").inner_text() == "Sorted by AUC, ascending"
    table.locator("thead th", has_text="attack").get_by_role("button").click()
    assert table.locator("[aria-sort]").count() == 1
    attacks = table.locator("tbody th").all_inner_texts()
    assert attacks == sorted(attacks)


def test_sorting_is_of_numbers_and_what_is_missing_comes_last(open_page):
    """As text 9 would come before 10, and a dash before both."""
    page = open_page()
    table = page.locator("#target-net table").first
    given = "(table, values) => values.forEach((v, i) => table.tBodies[0].rows[i].cells[4].textContent = v)"
    table.evaluate(given, ["–", "9"])
    table.evaluate("table => table.tBodies[0].append(table.tBodies[0].rows[0].cloneNode(true))")
    table.evaluate(given, ["–", "9 [8, 9]", "10 [9, 11]"])
    for expected in (["10", "9", "–"], ["9", "10", "–"]):
        table.locator("thead th", has_text="AUC").first.get_by_role("button").click()
        found = table.evaluate(
            "table => [...table.tBodies[0].rows].map(row => row.cells[4].textContent.split(' ')[0])"
        )
        assert found == expected


def test_a_link_to_a_folded_target_unfolds_it(open_page):
    page = open_page()
    target = page.locator("#target-net-seed1")
    assert target.get_attribute("open") is None
    page.locator("nav").get_by_role("link", name="net-seed1").click()
    target.locator("table").first.wait_for()


def test_a_wide_table_scrolls_in_its_own_frame_by_keyboard(open_page):
    page = open_page("phone")
    frame = page.locator("#target-net .scroll").first
    frame.get_by_role("button", name="attack").focus()
    page.keyboard.press("End")
    page.wait_for_function("frame => frame.scrollLeft > 0", arg=frame.element_handle())


def test_it_can_be_read_without_script_and_says_where_sources_are(open_page):
    page = open_page(script=False)
    assert page.get_by_role("button").count() == 0
    assert page.locator("#target-net table").first.is_visible()
    page.locator("#sources > summary").click()
    assert "results/numbers.json" in page.locator("#sources noscript").inner_text()
    page.locator("#target-net-seed1 > summary").click()
    assert page.locator("#target-net-seed1 table").first.is_visible()
    assert "results/tables/net-seed1/" in page.locator("#target-net-seed1 noscript").inner_text()


def test_in_print_every_target_is_there_in_black_on_white_and_no_control_is(open_page):
    page = open_page(scheme="dark")
    page.emulate_media(media="print")
    for target in ("net", "net-seed1", "other", "raw"):
        row = page.locator(f"#target-{target} tbody th").first
        assert row.evaluate("row => row.checkVisibility({contentVisibilityAuto: true})"), target
    for hidden in ("nav", "#theme", "#sources", "#jobs", ".files", ".filter"):
        assert page.locator(hidden).first.is_hidden(), hidden
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    wide = page.locator("#target-net .scroll").first
    page.set_viewport_size({"width": 720, "height": 1000})  # about A4 between its margins
    assert wide.evaluate("frame => frame.scrollWidth <= frame.clientWidth + 1"), "a table is cut"


def test_what_a_reader_of_paper_cannot_unfold_is_printed_or_named(open_page):
    page = open_page()
    page.emulate_media(media="print")
    shown = "place => place.checkVisibility({contentVisibilityAuto: true})"
    for printed in ("#glossary dd", "#controls tbody td", "#at-risk-net li"):
        assert page.locator(printed).first.evaluate(shown), printed
    long = page.locator("#table-run-published")
    rows = long.locator("tbody tr").count()
    note = f"Its {rows} rows are in results/tables/run/published.csv."
    assert long.get_by_text(note).evaluate(shown)
    assert not long.locator("tbody td").first.evaluate(shown)
    long.locator("details").evaluate("fold => { fold.open = true }")
    assert not long.get_by_text(note).evaluate(shown)
    assert long.locator("tbody td").first.evaluate(shown)


def test_no_head_of_a_printed_table_has_a_button_whose_text_is_not_repeated_on_the_next_page(open_page):
    page = open_page()
    page.emulate_media(media="print")
    table = page.locator("#table-net-attacks")
    assert table.locator("thead").evaluate("head => getComputedStyle(head).display") == "table-header-group"
    assert table.locator("th button").first.evaluate("head => getComputedStyle(head).display") == "contents"


@pytest.mark.parametrize("landscape", [False, True])
def test_it_prints_on_few_pages_with_whole_figures(open_page, landscape):
    page = open_page()
    printed = page.pdf(format="A4", landscape=landscape)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 12
    pictures = page.locator("img:visible").evaluate_all("all => new Set(all.map(one => one.src)).size")
    assert len(re.findall(rb"/Subtype\s*/Image\b", printed)) >= pictures > 0
    width, height = (1020, 690) if landscape else (690, 1020)  # A4 between its margins, in pixels
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(media="print")
    figures = page.locator(".picture:visible")
    for figure in figures.all():
        assert figure.bounding_box()["height"] <= height
