"""The page itself: who can use it, where it can lie, how it looks."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from handlers.intake.web_form import FOLDER, SCHEMAS, Form
from handlers.shared.contract import Contract
from tests.web.fake_api import DOCUMENT, FakeApi, lead_status
from tests.web.form_page import LEAD, REPORT_VIOLATIONS, TEXT_FIELDS, FormPage
from tests.web.site import form_site

ENTRY = """
- heading "Leave your details" [level=1]
- paragraph: We pass them on to the store of your choice. Every field is needed; the benefit is up to you.
- form "Leave your details":
  - text: First name
  - textbox "First name"
  - text: Last name
  - textbox "Last name"
  - text: RUT
  - paragraph: For example 11.111.111-1. Dots and the dash are optional.
  - textbox "RUT"
  - text: Phone
  - paragraph: For example +56 9 5454 5454.
  - textbox "Phone"
  - text: E-mail
  - textbox "E-mail"
  - text: Store code
  - paragraph: For example ESTACION_CENTRAL.
  - textbox "Store code"
  - checkbox "I want the benefit"
  - text: I want the benefit
  - button "Send"
"""
REFUSED = """
- alert:
  - heading "Please check these entries" [level=2]
  - list:
    - listitem:
      - link "RUT is missing":
        - /url: "#rut"
    - listitem:
      - link "Store code is missing":
        - /url: "#store"
"""
UNDERWAY = """
- main:
  - region "Your details are on their way":
    - heading "Your details are on their way" [level=1]
    - paragraph:
      - text: "Your reference:"
      - code: 0d9c1d5e-6f0e-4c2a-9a51-5c1f0e7b7a10
    - list:
      - listitem: Sent done
      - listitem: Received done
      - listitem: Your details stored done
      - listitem: Linked to the store in progress
      - listitem: Benefit noted to do
  - status: "Your details stored: done. 3 of 5 steps."
"""


def test_a_screen_reader_meets_a_named_control_for_every_field(form: FormPage) -> None:
    expect(form.page.get_by_role("main")).to_match_aria_snapshot(ENTRY)
    for field in TEXT_FIELDS:
        expect(form.field(field)).to_have_js_property("required", True)
    assert form.page.locator("html").get_attribute("lang") == "en"


def test_every_field_tells_the_browser_what_it_is_for(form: FormPage) -> None:
    purposes = {name: form.field(name).get_attribute("autocomplete") for name in TEXT_FIELDS}
    assert purposes == {
        "name": "given-name",
        "lastname": "family-name",
        "rut": "off",
        "phone": "tel",
        "mail": "email",
        "store": "off",
    }
    assert set(LEAD) | {"origin"} == set(DOCUMENT["components"]["schemas"]["Lead"]["properties"])


def test_a_screen_reader_hears_the_errors_and_finds_them_at_their_fields(form: FormPage) -> None:
    form.fill(rut="", store="").send()
    expect(form.summary).to_be_focused()
    expect(form.page.get_by_role("main")).to_match_aria_snapshot(REFUSED)
    rut = form.page.get_by_role("textbox", name="RUT")
    expect(rut).to_have_accessible_description(
        "For example 11.111.111-1. Dots and the dash are optional. RUT is missing"
    )
    expect(rut).to_match_aria_snapshot('- textbox "RUT" [invalid]')


def test_a_screen_reader_follows_the_lead(form: FormPage, api: FakeApi) -> None:
    api.on_status(lead_status("PROCESSING", "client"))
    form.fill().send()
    expect(form.page.locator("[aria-current=step]")).to_contain_text("Linked to the store")
    expect(form.page.get_by_role("main")).to_match_aria_snapshot(UNDERWAY)
    expect(form.status).to_have_attribute("aria-live", "polite")


def test_the_form_can_be_filled_in_sent_and_used_again_with_the_keyboard_alone(
    form: FormPage, api: FakeApi
) -> None:
    keyboard = form.page.keyboard
    for field in TEXT_FIELDS:
        keyboard.press("Tab")
        expect(form.field(field)).to_be_focused()
        outline = form.field(field).evaluate("(e) => getComputedStyle(e).outlineStyle")
        assert outline == "solid", "where the focus is must be visible"
        keyboard.type("wrong" if field == "mail" else LEAD[field])
    keyboard.press("Tab")
    keyboard.press("Space")
    keyboard.press("Tab")
    expect(form.button).to_be_focused()
    keyboard.press("Enter")
    expect(form.summary).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(form.field("mail")).to_be_focused()
    keyboard.press("ControlOrMeta+a")
    keyboard.type(LEAD["mail"])
    keyboard.press("Enter")
    expect(form.page.get_by_role("heading", name="have arrived")).to_be_focused()
    assert api.submissions() == [{**LEAD, "origin": "web"}]
    keyboard.press("Tab")
    expect(form.again).to_be_focused()
    keyboard.press("Enter")
    expect(form.field("name")).to_be_focused()


@pytest.mark.parametrize("prefix", ["", "/_aws/lambda-url/0123456789abcdef0123456789abcdef", "/some/where"])
def test_the_page_works_wherever_it_lies(page: Page, web_form: Form, prefix: str) -> None:
    with form_site(web_form, prefix) as url:
        form = FormPage(page, url).open()
        form.fill().send()
        expect(page.get_by_role("heading", name="have arrived")).to_be_visible()


def test_the_page_works_when_its_address_is_typed_without_the_slash(page: Page, web_form: Form) -> None:
    with form_site(web_form) as url:
        form = FormPage(page, url.rstrip("/")).open()
        assert form.button.evaluate("(e) => getComputedStyle(e).cursor") == "pointer", "the style has arrived"
        form.fill().send()
        expect(page.get_by_role("heading", name="have arrived")).to_be_visible()


@pytest.fixture
def unwatched(browser: Browser, web_form: Form) -> Iterator[FormPage]:
    """The page for a test that breaks its policy on purpose."""
    with browser.new_context() as context, form_site(web_form) as url:
        page = context.new_page()
        page.add_init_script(REPORT_VIOLATIONS)
        yield FormPage(page, url).open()


def test_the_policy_forbids_what_the_page_does_not_need(unwatched: FormPage) -> None:
    tried = unwatched.page.evaluate(
        """async () => {
            const script = document.createElement("script");
            script.textContent = "window.intruder = true";
            document.body.append(script);
            const call = await fetch("http://127.0.0.1:9/").then(() => "sent", () => "refused");
            while (window.violations.length < 2) await new Promise((next) => setTimeout(next, 10));
            return [window.intruder ?? "no intruder", call, ...window.violations.sort()];
        }"""
    )
    assert tried == ["no intruder", "refused", "connect-src", "script-src-elem"]


def test_a_native_submit_is_stopped_so_that_no_entry_can_reach_an_address(unwatched: FormPage) -> None:
    unwatched.fill()
    stopped_by = unwatched.page.evaluate(
        """async () => {
            document.getElementById("form").submit();
            while (!window.violations.length) await new Promise((next) => setTimeout(next, 10));
            return window.violations[0];
        }"""
    )
    assert stopped_by == "form-action"
    assert unwatched.page.url == unwatched.url


@pytest.fixture(params=["light", "dark"])
def coloured(request: pytest.FixtureRequest, page: Page, web_form: Form) -> Iterator[FormPage]:
    page.emulate_media(color_scheme=request.param, reduced_motion="reduce")
    with form_site(web_form) as url:
        yield FormPage(page, url).open()


# WCAG's contrast of each visible text with what lies behind it, and of each control's edge.
CONTRASTS = """() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = (colour) => channels(colour).slice(0, 3)
        .map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (e) => {
        const colour = getComputedStyle(e).backgroundColor;
        return (channels(colour)[3] ?? 1) > 0 || !e.parentElement ? colour : behind(e.parentElement);
    };
    const contrast = (a, b) => {
        const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
        return (high + 0.05) / (low + 0.05);
    };
    const found = [];
    for (const e of document.querySelectorAll("main *")) {
        if (!e.checkVisibility()) continue;
        const style = getComputedStyle(e);
        const hasText = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (hasText || e.value) found.push([e.id || e.textContent, "text", contrast(style.color, behind(e))]);
        if (e.matches("input:not([type=checkbox])"))
            found.push([e.id, "edge", contrast(style.borderTopColor, behind(e.parentElement))]);
    }
    return found;
}"""


def poor_contrasts(form: FormPage) -> list[Any]:
    found = form.page.evaluate(CONTRASTS)
    assert len(found) > 5
    return [(what, kind, ratio) for what, kind, ratio in found if ratio < (4.5 if kind == "text" else 3)]


def test_texts_and_edges_stand_out_in_light_and_dark(coloured: FormPage, api: FakeApi) -> None:
    error = {"step": "CreatePartner", "code": "CrmRejected", "description": "The CRM knows no such store."}
    api.on_status(lead_status("FAILED", "client", error=error))
    assert poor_contrasts(coloured) == []
    coloured.fill(rut="1").send()
    expect(coloured.summary).to_be_visible()
    assert poor_contrasts(coloured) == []
    coloured.fill().send()
    expect(coloured.page.locator("#reason")).to_be_visible()
    assert poor_contrasts(coloured) == []


def test_a_narrow_screen_shows_everything_without_sideways_scrolling(form: FormPage, api: FakeApi) -> None:
    api.on_status(lead_status("PROCESSING", "client"))
    form.page.set_viewport_size({"width": 320, "height": 640})
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    form.fill(rut="1", mail="a" * 64).send()
    expect(form.summary).to_be_visible()
    assert form.page.evaluate(overflow) == 0
    form.fill().send()
    expect(form.page.locator("#steps")).to_be_visible()
    assert form.page.evaluate(overflow) == 0


@pytest.mark.parametrize(("wish", "moving"), [("reduce", 0), ("no-preference", 1)])
def test_nothing_moves_for_people_who_asked_for_that(form: FormPage, api: FakeApi, wish: Any, moving: int) -> None:
    api.on_status(lead_status("PROCESSING", "client"))
    form.page.emulate_media(reduced_motion=wish)
    form.fill().send()
    expect(form.page.locator("[aria-current=step]")).to_contain_text("Linked to the store")
    assert form.page.evaluate("document.getAnimations().length") == moving


def test_without_scripts_the_page_says_what_is_missing(browser: Browser, web_form: Form) -> None:
    with browser.new_context(java_script_enabled=False) as context, form_site(web_form) as url:
        page = context.new_page()
        page.goto(url)
        expect(page.get_by_text("It needs JavaScript")).to_be_visible()


@pytest.mark.parametrize(
    ("words", "said"), [("must be 3 or 4 digits", "must be 3 or 4 digits"), (None, "must be of another form")]
)
def test_a_change_of_the_contract_changes_the_page(
    page: Page, api: FakeApi, form_contract: Contract, words: str | None, said: str
) -> None:
    lead = form_contract.schema("Lead")
    properties = {**lead["properties"], "store": {"type": "string", "pattern": "^[0-9]{3,4}$", "x-words": words}}
    changed = {**lead, "properties": properties, "required": ["name", "store"]}
    answers = {name: form_contract.schema(name) for name in SCHEMAS.values()}
    with form_site(Form(FOLDER, api.url, Contract({**answers, "Lead": changed}))) as url:
        form = FormPage(page, url).open()
        expect(form.field("mail")).to_have_js_property("required", False)
        form.field("name").fill("Ana")
        form.field("store").fill("ESTACION")
        form.send()
        expect(form.summary.get_by_role("listitem")).to_have_text([f"Store code {said}"])
