"""A lead's way from the button to its end, against a service that answers as the contract says."""

import json

import pytest
from playwright.sync_api import expect

from tests.web.fake_api import LEAD_ID, STAGE, Disconnect, FakeApi, accepted, busy, lead_status, refused
from tests.web.form_page import LEAD, FormPage


def states(form: FormPage) -> list[str]:
    return [text.rpartition("\n")[2] for text in form.steps.all_inner_texts()]


def test_a_lead_is_followed_to_its_completion(form: FormPage, api: FakeApi) -> None:
    underway = lead_status("PROCESSING", "client")
    api.on_status(lead_status("SUBMITTED", "submitted"), underway, underway, lead_status("COMPLETED", "benefit"))
    form.listen()
    form.fill().send()
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_visible(timeout=10_000)
    assert states(form) == ["done"] * 5
    assert api.submissions() == [{**LEAD, "origin": "web"}]
    assert api.requests[0].content_type == "application/json"
    assert api.polls() == [f"{STAGE}/leads/{LEAD_ID}"] * 4, "asked where Location says"
    counts = [text.partition(". ")[2] for text in form.heard() if "of 5 steps" in text]
    assert counts == ["1 of 5 steps.", "3 of 5 steps."], "each step is announced once"
    expect(form.page.locator("#reference")).to_have_text(LEAD_ID)


def test_the_current_step_is_marked_while_a_lead_is_on_its_way(form: FormPage, api: FakeApi) -> None:
    api.on_status(lead_status("PROCESSING", "client"))
    form.fill().send()
    expect(form.steps.nth(2)).to_contain_text("done")
    assert states(form) == ["done", "done", "done", "in progress", "to do"]
    current = form.page.locator("[aria-current=step]")
    expect(current).to_have_count(1)
    expect(current).to_contain_text("Linked to the store")
    expect(form.status).to_contain_text("3 of 5 steps")
    expect(form.page.get_by_role("heading", name="on their way")).to_be_focused()


def test_a_failed_lead_shows_why_where_and_leads_back_to_the_entries(form: FormPage, api: FakeApi) -> None:
    error = {"step": "ReceiveLead", "code": "InvalidLead", "description": "store: must be another one"}
    api.on_status(lead_status("FAILED", "received", error=error))
    form.fill().send()
    expect(form.page.get_by_role("alert")).to_contain_text("store: must be another one")
    assert states(form) == ["done", "done", "failed", "to do", "to do"]
    expect(form.page.get_by_role("heading", name="could not be processed")).to_be_visible()
    form.page.get_by_role("button", name="Back to your entries").click()
    assert form.values() == LEAD
    expect(form.field("name")).to_be_focused()


def test_a_failed_lead_that_is_sent_again_and_completes_leaves_no_trace_of_the_failure(
    form: FormPage, api: FakeApi
) -> None:
    error = {"step": "ReceiveLead", "code": "InvalidLead", "description": "No."}
    api.on_status(lead_status("FAILED", "submitted", error=error), lead_status("COMPLETED", "benefit"))
    form.fill().send()
    form.page.get_by_role("button", name="Back to your entries").click()
    form.send()
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_visible()
    expect(form.page.locator("#reason")).to_be_empty()
    assert len(api.submissions()) == 2


def test_a_lead_that_the_service_could_not_deliver_need_not_be_sent_again(form: FormPage, api: FakeApi) -> None:
    error = {"step": "LeadFlow", "code": "NotDelivered", "description": "A sentence of the service."}
    api.on_status(lead_status("FAILED", "client", error=error))
    form.fill().send()
    expect(form.page.locator("#reason")).to_contain_text("not lost")
    expect(form.page.locator("#reason")).not_to_contain_text("orrect your entries")


def test_after_a_completed_lead_the_form_starts_empty(form: FormPage) -> None:
    form.fill().send()
    form.page.get_by_role("button", name="Send another").click()
    assert not any(form.values().values()), "one person's data must not wait for the next"
    expect(form.page.locator("#progress")).to_be_hidden()
    expect(form.status).to_be_empty()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Disconnect(), "We can't reach the service"),
        (refused(500, "INTERNAL_ERROR", "Something went wrong on our side."), "Something went wrong on our side"),
        (refused(413, "BODY_TOO_LARGE", "The body is too large."), "Something went wrong on our side"),
    ],
)
def test_when_sending_fails_the_entries_stay_and_can_be_sent_again(
    form: FormPage, api: FakeApi, answer: object, words: str
) -> None:
    api.on_submit(answer, accepted())  # type: ignore[arg-type]
    form.fill().send()
    expect(form.summary).to_contain_text(words)
    expect(form.summary).to_be_focused()
    assert form.values() == LEAD
    assert len(api.submissions()) == 1, "sent again by the person alone"
    form.send()
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_visible()


def test_a_double_click_sends_once_and_the_button_says_that_it_works(form: FormPage, api: FakeApi) -> None:
    api.open_gate.clear()
    form.fill()
    form.button.dblclick()
    expect(form.button).to_have_attribute("aria-disabled", "true")
    expect(form.button).to_have_text("Sending…")
    expect(form.status).to_have_text("Sending…")
    expect(form.button).to_be_focused()
    form.field("name").press("Enter")
    api.open_gate.set()
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_visible()
    assert len(api.submissions()) == 1


def test_a_break_while_following_is_said_and_followed_through(form: FormPage, api: FakeApi) -> None:
    api.on_status(Disconnect(), busy(), lead_status("COMPLETED", "benefit"))
    form.listen()
    form.fill().send()
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_visible()
    assert len([text for text in form.heard() if "keep trying" in text]) == 1, "said once, not with every try"
    assert len(api.submissions()) == 1


def test_a_lead_that_the_service_does_not_know_is_not_asked_for_again(form: FormPage, api: FakeApi) -> None:
    api.on_status(refused(404, "NOT_FOUND", "there is no such lead"))
    form.fill().send()
    expect(form.status).to_contain_text("could not see them arrive")
    assert len(api.polls()) == 1


def test_rules_that_could_not_be_loaded_are_loaded_when_sending(form: FormPage, api: FakeApi) -> None:
    form.page.route("**/config.json", lambda route: route.abort())
    form.page.reload()
    form.fill().send()
    expect(form.summary).to_contain_text("could not be loaded")
    assert form.values() == LEAD
    form.page.unroute("**/config.json")
    form.send()
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_visible()
    assert len(api.submissions()) == 1


def test_no_entry_reaches_an_address_a_store_or_the_console(form: FormPage, api: FakeApi) -> None:
    addresses: list[str] = []
    said: list[str] = []
    form.page.on("request", lambda request: addresses.append(request.url))
    form.page.on("console", lambda message: said.append(message.text))
    form.fill(rut="11111111-2").send()
    expect(form.summary).to_be_visible()
    form.summary.get_by_role("link").click()
    form.fill().send()
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_visible()
    addresses.append(form.page.url)
    kept = form.page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state])"
    )
    assert len(addresses) >= 3
    for value in map(str, LEAD.values()):
        assert not any(value in text for text in [*addresses, *said])
    assert json.loads(kept) == [{}, {}, "", None]
