"""The deployed form in the real browser, as far as sending and following a lead needs it."""

from typing import Any

from consumer import expectations
from playwright.sync_api import Page, expect
from support import rut

FILL = """(lead) => {
    for (const [name, value] of Object.entries(lead)) {
        const input = document.getElementById(name);
        if (input?.type === "checkbox") input.checked = value;
        else if (input) input.value = value;
    }
}"""
READ = """(names) => Object.fromEntries(names.map((name) => {
    const input = document.getElementById(name);
    return [name, input.type === "checkbox" ? input.checked : input.value];
}))"""
ARRIVED = "Your details have arrived"
UNSEEN = "could not see them arrive"
TROUBLE = "Something went wrong on our side"


class Form:
    """`lead` is what the page has to send of what is filled in."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.summary = page.locator("#summary")
        self.lead = {**expectations.LEAD, "rut": rut.new()}
        page.goto(url)
        expect(page.locator("#name")).to_have_attribute("required", "")  # config.json has arrived

    def send(self) -> "Form":
        self.page.evaluate(FILL, self.lead)
        self.page.locator("#send").click()
        return self

    def arrived(self) -> None:
        expect(self.page.locator("#progress-title")).to_have_text(ARRIVED, timeout=20_000)

    def reference(self) -> str:
        return self.page.locator("#reference").inner_text()

    def shown(self) -> str:
        """All that the page says of a lead, but for its reference."""
        return self.page.locator("body").inner_text().replace(self.reference(), "")

    def again(self, **changes: Any) -> "Form":
        """Back to the entries, for another lead with the same RUT."""
        self.page.locator("#again").click()
        self.lead |= changes
        return self

    def unseen(self) -> None:
        expect(self.page.locator("#status")).to_contain_text(UNSEEN)

    def refused(self, words: str = TROUBLE) -> None:
        expect(self.summary).to_contain_text(words)
        assert self.entries() == self.lead, "the person's entries are still there"

    def entries(self) -> dict[str, Any]:
        found = self.page.evaluate(READ, [name for name in self.lead if name != "origin"])
        return {**found, "origin": "web"}
