"""The form as a person uses it, through a real browser."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

LEAD: Mapping[str, Any] = {
    "name": "Zoë",
    "lastname": "Ñandú-O'Brien",
    "rut": "11111111-1",
    "phone": "54545454",
    "mail": "zoe@example.com",
    "store": "ESTACION_CENTRAL",
    "wantsBenefit": True,
}
TEXT_FIELDS = tuple(field for field, value in LEAD.items() if isinstance(value, str))

REPORT_VIOLATIONS = """
    window.violations = [];
    addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
"""
LISTEN = """() => {
    const status = document.getElementById("status");
    window.heard = [];
    new MutationObserver(() => heard.push(status.textContent)).observe(status, {childList: true});
}"""
AUTOFILL = """(lead) => {
    for (const [name, value] of Object.entries(lead)) {
        const input = document.getElementById(name);
        if (input.type === "checkbox") input.checked = value;
        else input.value = value;
        input.dispatchEvent(new Event("input", {bubbles: true}));
    }
}"""


class FormPage:
    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.button = page.locator("#send")
        self.summary = page.locator("#summary")
        self.status = page.get_by_role("status")
        self.steps = page.get_by_role("listitem")
        self.again = page.locator("#again")

    def open(self) -> "FormPage":
        self.page.goto(self.url)
        expect(self.button).to_be_visible()
        expect(self.field("name")).to_have_attribute("required", "")  # config.json has arrived
        return self

    def field(self, name: str) -> Locator:
        return self.page.locator(f"#{name}")

    def error(self, name: str) -> Locator:
        return self.page.locator(f"#{name}-error")

    def fill(self, **changes: Any) -> "FormPage":
        """A whole lead at once, as a browser's autofill does it; the changes as a person does."""
        self.page.evaluate(AUTOFILL, {**LEAD, **changes})
        for name, value in changes.items():
            if isinstance(value, bool):
                self.field(name).set_checked(value)
            else:
                self.field(name).fill(value)
        return self

    def values(self) -> dict[str, Any]:
        texts: dict[str, Any] = {name: self.field(name).input_value() for name in TEXT_FIELDS}
        return {**texts, "wantsBenefit": self.field("wantsBenefit").is_checked()}

    def send(self) -> None:
        self.button.click()

    def listen(self) -> None:
        """From now on, note what the status says."""
        self.page.evaluate(LISTEN)

    def heard(self) -> list[str]:
        """What a screen reader has read out of the status since `listen`."""
        return list(self.page.evaluate("window.heard"))


@dataclass(frozen=True)
class Tab:
    page: Page
    said: list[str]  # on the console


@contextmanager
def browser_tab(browser: Browser) -> Iterator[Tab]:
    with browser.new_context() as context:
        tab = Tab(context.new_page(), [])
        tab.page.set_default_timeout(5_000)
        tab.page.add_init_script(REPORT_VIOLATIONS)
        tab.page.on("console", lambda message: tab.said.append(f"{message.type}: {message.text}"))
        tab.page.on("pageerror", lambda error: tab.said.append(str(error)))
        yield tab
