"""Waiting: for a busy service, and for a lead that takes long. The browser's clock is the test's."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.web.fake_api import LEAD_ID, FakeApi, accepted, busy, lead_status, refused
from tests.web.form_page import LEAD, FormPage, Tab, browser_tab

RETRY_TEXT = "We try again"
HERE_AND_THERE = (lead_status("PROCESSING", "received"), lead_status("PROCESSING", "client"))
NOTE_CALLS = """() => {
    window.called = [];
    const call = window.fetch;
    window.fetch = (...all) => (called.push(Date.now()), call(...all));
}"""
COUNTED = ("2 of 5 steps", "3 of 5 steps")


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """One for each test: a clock can't be taken out again."""
    with browser_tab(browser) as tab:
        tab.page.clock.install()
        yield tab


@pytest.mark.parametrize("answer", [busy(), refused(429, "TOO_MANY_REQUESTS", "Too many calls.", Retry_After="1")])
def test_a_busy_service_is_asked_again_and_says_so(form: FormPage, api: FakeApi, answer: object) -> None:
    api.on_submit(answer, accepted())  # type: ignore[arg-type]
    form.fill().send()
    expect(form.status).to_contain_text(RETRY_TEXT)
    expect(form.status).to_contain_text("try 2 of 5")
    form.page.clock.fast_forward(5_000)
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_visible()
    assert api.submissions() == [{**LEAD, "origin": "web"}] * 2


def test_a_busy_service_is_not_asked_before_the_time_that_it_gave(form: FormPage, api: FakeApi) -> None:
    api.on_submit(busy(20), accepted())
    form.fill().send()
    expect(form.status).to_contain_text("in 20 s")
    form.page.clock.fast_forward(15_000)
    expect(form.status).to_contain_text(RETRY_TEXT)
    assert len(api.submissions()) == 1
    form.page.clock.fast_forward(10_000)
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_visible()


def test_a_service_that_stays_busy_is_given_up_after_five_tries(form: FormPage, api: FakeApi) -> None:
    api.on_submit(busy(30))
    form.fill().send()
    for attempt in range(2, 6):
        expect(form.status).to_contain_text(f"try {attempt} of 5")
        form.page.clock.fast_forward(31_000)
    expect(form.summary).to_contain_text("still busy")
    expect(form.summary).to_be_focused()
    assert len(api.submissions()) == 5
    assert form.values() == LEAD
    expect(form.button).to_have_attribute("aria-disabled", "false")


def test_a_lead_without_an_end_is_given_up_honestly_with_its_reference(form: FormPage, api: FakeApi) -> None:
    clock = form.page.clock
    api.on_status(*HERE_AND_THERE * 2)
    clock.pause_at(form.page.evaluate("Date.now() + 1000"))
    form.fill().send()
    expect(form.page.locator("#reference")).to_have_text(LEAD_ID)
    for counted in COUNTED:
        clock.fast_forward(45_000)
        expect(form.status).to_contain_text(counted)
    clock.fast_forward(45_000)
    expect(form.status).to_contain_text("could not see them arrive within two minutes")
    expect(form.page.locator("#reference")).to_have_text(LEAD_ID)
    expect(form.steps.nth(2)).to_contain_text("in progress")  # nothing is claimed that is not known
    expect(form.again).to_be_visible()


def test_polling_slows_down_to_every_two_seconds(form: FormPage, api: FakeApi) -> None:
    clock = form.page.clock
    api.on_status(*HERE_AND_THERE * 4)
    form.page.evaluate(NOTE_CALLS)
    clock.pause_at(form.page.evaluate("Date.now() + 1000"))
    form.fill().send()
    expect(form.page.locator("#reference")).to_have_text(LEAD_ID)
    pauses = []
    for poll in range(8):
        before = form.page.evaluate("Date.now()")
        clock.run_for(2_000)
        pauses.append(form.page.evaluate("called.at(-1)") - before)
        expect(form.status).to_contain_text(COUNTED[poll % 2])  # the next pause has begun
    assert pauses[0] == 250, "most leads are done in a moment"
    assert pauses == sorted(pauses)
    assert pauses[-2:] == [2_000, 2_000]
    assert len(api.polls()) == 8


def test_a_service_that_takes_no_more_today_gives_the_entries_back_at_once(form: FormPage, api: FakeApi) -> None:
    api.on_submit(refused(429, "DAILY_LIMIT_REACHED", "as many leads have been taken today", Retry_After="40000"))
    form.fill().send()
    expect(form.summary).to_contain_text("send them again tomorrow")
    expect(form.summary).to_be_focused()
    assert len(api.submissions()) == 1, "nobody waits for midnight"
    assert form.values() == LEAD
