"""The report and the sandbox's page in a real browser: what people see, with any eyes, by keyboard and on paper."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Literal

import pytest

from dbt_drift.sandbox.behaviour import Fault
from tests.support.big_ledger import fill_ledger
from tests.support.harness import Bench
from tests.support.ledgers import command, lock_as, people

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe_of = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), "")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium; on Debian, the package chromium has it")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, ViewportSize

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine
    from tests.support.harness import ParsedProject

PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 900}
HOSTILE = "<img src=x onerror=\"document.title='injected'\"><script>document.title='injected'</script>"
Scheme = Literal["light", "dark"]
SCHEMES: list[Scheme] = ["light", "dark"]
LOOKS = [(size, scheme) for size in (PHONE, DESK) for scheme in SCHEMES]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


class Visit:
    """A page, and all that it complained of and asked for."""

    def __init__(self, browser: Browser, address: str, size: ViewportSize, scheme: Scheme) -> None:
        self.context = browser.new_context(viewport=size, color_scheme=scheme)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda one: self.complaints.append(one.text) if one.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda one: self.requests.append(one.url))
        self.page.goto(address)

    def check(self) -> None:
        """Hold what holds for every page in every look."""
        found = axe_of.Axe().run(self.page).response["violations"]
        serious = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found if _is_serious(one)]
        assert serious == []
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
        assert "injected" not in self.page.title()
        assert self.complaints == []


def _is_serious(violation: Any) -> bool:
    return violation["impact"] in {"serious", "critical"}


@pytest.fixture
def troubled(duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox) -> Bench:
    """Ten syncs, in each state, one with names that try to be HTML, and a lock."""
    bench = Bench(duckdb_project, tmp_path, sandbox)
    people(bench, 40)
    column = HOSTILE.replace('"', '""')
    bench.table("hostile", f"select 'h@example.com' as email, 'x' as \"{column}\", true as vip")
    bench.declare(
        "hostile",
        {
            "fields": {"email": "email", HOSTILE: HOSTILE},
            "audiences": [{"tag": HOSTILE, "mode": "mirror", "when": "vip"}, {"tag": "w" * 90, "mode": "add"}],
        },
    )
    for number in range(8):
        bench.table(f"model_{number}", f"select 'm{number}@example.com' as email, 'Name' as name")
        bench.declare(f"model_{number}", {"fields": {"email": "email", f"name_{number}": "name"}})
    bench.run()
    bench.execute("update $.people set vip = false")
    bench.execute("update $.model_1 set email = 'bad'")
    bench.execute("update $.hostile set email = 'i@example.com'")
    words = json.dumps({"error": {"type": "odd_one", "message": f"{HOSTILE} {'x' * 400}"}})
    bench.sandbox.change(faults=[Fault(status=400, body=words)])
    bench.run()
    lock_as(bench, "other")
    return bench


def report(bench: Bench, dbt_drift: CommandLine, *arguments: str) -> str:
    assert command(bench, dbt_drift, "report", *arguments).code == 0
    return (bench.target / "drift_report.html").as_uri()


def test_the_report_in_each_look(browser: Browser, troubled: Bench, dbt_drift: CommandLine) -> None:
    address = report(troubled, dbt_drift, "--keys")
    for size, scheme in LOOKS:
        visit = Visit(browser, address, size, scheme)
        page = visit.page
        assert page.locator("article").count() == 10
        assert page.locator("article").first.locator("rect").count() > 0
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        visit.check()
        assert visit.requests == [address]
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(245, 246, 248)", "dark": "rgb(18, 22, 28)"}[scheme]
        visit.context.close()


def test_the_report_of_nothing(browser: Browser, people: Bench, dbt_drift: CommandLine) -> None:
    visit = Visit(browser, report(people, dbt_drift), PHONE, "light")
    visit.check()
    assert visit.page.get_by_text("There is no ledger").is_visible()


def test_the_report_by_keyboard(browser: Browser, troubled: Bench, dbt_drift: CommandLine) -> None:
    page = Visit(browser, report(troubled, dbt_drift), DESK, "light").page
    reached = []
    for _ in range(200):
        page.keyboard.press("Tab")
        tag = page.evaluate("document.activeElement.tagName")
        if tag == "BODY":
            break
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", tag
        reached.append(tag)
        if tag == "SUMMARY":
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.parentElement.open")
    assert reached.count("SUMMARY") == page.locator("summary").count()
    assert reached.count("A") == page.locator("a").count() == 10
    assert reached.count("DIV") == page.locator(".scroll").count()


def test_the_report_on_paper(browser: Browser, troubled: Bench, dbt_drift: CommandLine) -> None:
    visit = Visit(browser, report(troubled, dbt_drift), DESK, "dark")
    visit.page.emulate_media(media="print")
    assert visit.page.evaluate("getComputedStyle(document.body).color") == "rgb(24, 32, 43)"
    pages = visit.page.pdf().count(b"/Type /Page\n")
    assert 1 <= pages <= 15


def test_a_large_report_is_there_in_a_second(
    browser: Browser, duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox, dbt_drift: CommandLine
) -> None:
    bench = Bench(duckdb_project, tmp_path, sandbox)
    fill_ledger(bench, syncs=20, runs=1_000, contacts=20_000)
    page = Visit(browser, report(bench, dbt_drift, "--runs", "1000"), DESK, "light").page
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
    assert page.locator("article").count() == 20
    assert page.evaluate(paint) < 1_000


@pytest.mark.parametrize("contacts", [0, 10, 100_000])
def test_the_page_of_the_sandbox(browser: Browser, sandbox: Sandbox, contacts: int) -> None:
    sandbox.seed([{"email": f"p{number}@example.com", "name": HOSTILE} for number in range(contacts)])
    for size, scheme in LOOKS if contacts == 10 else LOOKS[-1:]:
        visit = Visit(browser, sandbox.url, size, scheme)
        visit.page.wait_for_load_state("networkidle")
        visit.check()
        if contacts:
            visit.page.get_by_text(f"p{contacts - 1}@example.com").first.wait_for()
        visit.context.close()


def test_the_page_of_the_sandbox_by_keyboard(browser: Browser, sandbox: Sandbox) -> None:
    sandbox.seed([{"email": f"p{number}@example.com"} for number in range(200)])
    visit = Visit(browser, sandbox.url, DESK, "light")
    page = visit.page
    page.get_by_text("p199@example.com").wait_for()
    page.locator("#search").focus()
    page.keyboard.type("p17@")
    page.get_by_text("p199@example.com").wait_for(state="detached")
    assert page.get_by_text("p17@example.com").is_visible()
    reached = set()
    for _ in range(100):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label')"))
    assert reached >= {"contacts", "requests", "behaviour", "counts", "clear", "defaults", "reset", "switch-rate_limit"}
    assert visit.complaints == []


def test_paging_and_the_requests_about_one_contact(browser: Browser, people: Bench, sandbox: Sandbox) -> None:
    people.run()
    ada = sandbox.contact_by_email("ada@example.com")
    assert ada is not None
    sandbox.seed([{"email": f"p{number}@example.com"} for number in range(100_000)])
    visit = Visit(browser, sandbox.url, DESK, "light")
    page = visit.page
    page.get_by_text("1 to 100, the newest first").wait_for()
    assert page.locator("#newer").is_disabled()
    page.locator("#older").click()
    page.get_by_text("101 to 200, the newest first").wait_for()
    assert page.get_by_text("p99899@example.com", exact=True).is_visible()
    page.locator("#newer").click()
    page.get_by_text("p99999@example.com", exact=True).wait_for()

    page.locator("#search").fill("ada@example.com")
    page.get_by_role("button", name=str(ada.id), exact=True).click()
    page.get_by_text(f"about contact {ada.id}, the newest first").wait_for()
    sync_api.expect(page.locator("#requests tr")).to_have_count(1)
    assert page.locator("#requests").inner_text().split()[1:4] == ["POST", "/contacts", "200"]
    page.locator("#everybody").click()
    sync_api.expect(page.locator("#requests tr")).not_to_have_count(1)
    page.locator("#method").select_option("GET")
    page.locator("#path").fill("attributes")
    sync_api.expect(page.locator("#requests tr")).to_have_count(1)
    page.locator("#status").fill("404")
    page.get_by_text("No request matches.").wait_for()
    visit.check()
