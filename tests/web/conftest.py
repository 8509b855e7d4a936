from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from support.browser import real_browser

from components import openapi
from handlers.intake.web_form import FOLDER, SCHEMAS, Form
from handlers.shared.contract import Contract
from tests.web.fake_api import DOCUMENT, FakeApi
from tests.web.form_page import FormPage, Tab, browser_tab
from tests.web.site import form_site


@pytest.fixture(scope="session")
def form_contract() -> Contract:
    return Contract(openapi.bundle(DOCUMENT, SCHEMAS.values()))


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi(DOCUMENT).running() as running:
        yield running


@pytest.fixture
def web_form(api: FakeApi, form_contract: Contract) -> Form:
    return Form(FOLDER, api.url, form_contract)


# Not for the whole session: Playwright keeps an event loop in this thread, which other tests' asyncio.run refuses.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=5_000)
    with real_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Tab]:
    """One for a file's tests; the addresses that they load differ, so nothing is left from one to the next."""
    with browser_tab(browser) as tab:
        yield tab


@pytest.fixture
def page(tab: Tab) -> Iterator[Page]:
    """A page that must end without script errors and without a violation of its policy."""
    tab.page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    tab.page.set_viewport_size({"width": 900, "height": 1000})
    yield tab.page
    violations = tab.page.evaluate("window.violations")
    # the browser's own note about an answer that a test scripted
    said = [text for text in tab.said if not text.startswith("error: Failed to load resource")]
    tab.page.goto("about:blank")
    tab.said.clear()
    assert said == []
    assert violations == []


@pytest.fixture
def form(page: Page, web_form: Form) -> Iterator[FormPage]:
    """The page, opened under a path as on the local cloud."""
    with form_site(web_form) as url:
        yield FormPage(page, url).open()
