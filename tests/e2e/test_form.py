"""The deployed form, as a person uses it: a real browser, the stack's own address, rows in the CRM."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from support.browser import real_browser

from tests.stack import Stack, new_rut
from tests.web.form_page import FormPage


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with real_browser() as browser:
        yield browser.new_page()


@pytest.fixture
def form(page: Page, stack: Stack) -> FormPage:
    return FormPage(page, stack.outputs["form_url"]).open()


def test_a_lead_sent_by_the_deployed_form_is_followed_until_it_is_in_the_crm(form: FormPage, stack: Stack) -> None:
    rut = new_rut()
    form.fill(rut=rut).send()
    expect(form.again).to_be_visible(timeout=30_000)
    assert {table: len(rows) for table, rows in stack.rows_of(rut).items()} == {
        "CLIENTS": 1,
        "PARTNER": 1,
        "BENEFIT": 1,
    }


def test_the_deployed_form_shows_what_the_contract_refuses_and_sends_nothing(form: FormPage, stack: Stack) -> None:
    form.fill(rut="12345678-0").send()
    expect(form.error("rut")).to_be_visible()
    assert stack.rows_of("12345678-0")["CLIENTS"] == ()
