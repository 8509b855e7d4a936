import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, local
from types import ModuleType
from typing import Any

import pytest

from handlers.backend import create_benefit, create_client, create_partner, database, get_client, operation
from handlers.shared.contract import Contract
from handlers.shared.secrets import Credentials
from tests.handlers.conftest import Site
from tests.handlers.samples import (
    ALICE,
    BENEFIT,
    PARTNER,
    PERSONAL,
    RUT_WITH_K,
    SPELLINGS,
    body_of,
    get,
    message_of,
    post,
)

CREATE: dict[str, tuple[ModuleType, dict[str, Any], dict[str, Any]]] = {
    "client": (create_client, ALICE, {"lastname": "liddell"}),
    "partner": (create_partner, PARTNER, {"store": "MAIPU"}),
    "benefit": (create_benefit, BENEFIT, {"wantsBenefit": False}),
}
TABLES = {"client": "CLIENTS", "partner": "PARTNER", "benefit": "BENEFIT"}


def create(noun: str, body: object | None = None, **headers: str) -> dict[str, Any]:
    module, sample, _ = CREATE[noun]
    answer: dict[str, Any] = module.handler(post(sample if body is None else body, **headers), None)
    return answer


def created(noun: str, body: object | None = None, **headers: str) -> str:
    return message_of(create(noun, body, **headers), 200)[0]


def read(rut: str) -> dict[str, Any]:
    return body_of(get_client.handler(get(rut=rut), None), 200)


@pytest.fixture
def with_client(crm: Site) -> Site:
    created("client")
    return crm


@pytest.mark.parametrize("noun", CREATE)
def test_a_new_row_is_created_and_the_same_again_writes_nothing(with_client: Site, noun: str) -> None:
    if noun == "client":
        with_client.rows("DELETE FROM CLIENTS")
    assert message_of(create(noun), 200) == (f"{noun.upper()}_CREATED", f"The {noun} was created.")
    before = with_client.rows(f"SELECT * FROM {TABLES[noun]}")
    code, sentence = message_of(create(noun), 200)
    assert (code, sentence) == (f"{noun.upper()}_UNCHANGED", f"The {noun} was there already, with the same data.")
    assert with_client.rows(f"SELECT * FROM {TABLES[noun]}") == before
    assert len(before) == 1


@pytest.mark.parametrize("noun", CREATE)
def test_other_data_under_the_same_rut_is_409_and_the_row_stays(with_client: Site, noun: str) -> None:
    _, sample, change = CREATE[noun]
    created(noun)
    before = with_client.rows(f"SELECT * FROM {TABLES[noun]}")
    code, sentence = message_of(create(noun, sample | change), 409)
    assert (code, sentence) == ("CONFLICT", f"the CRM holds another {noun} under this RUT; nothing was changed")
    assert with_client.rows(f"SELECT * FROM {TABLES[noun]}") == before


@pytest.mark.parametrize(
    "change",
    [
        {"name": "ALICE"},
        {"name": "alice "},
        {"lastname": "Cooper"},
        {"mail": "Acooper@alice.com"},
        {"phone": 54545455},
    ],
    ids=str,
)
def test_the_slightest_difference_is_other_data(with_client: Site, change: dict[str, Any]) -> None:
    message_of(create("client", ALICE | change), 409)


@pytest.mark.parametrize("noun", ["partner", "benefit"])
def test_a_row_of_a_client_that_is_not_there_is_404(crm: Site, noun: str) -> None:
    assert message_of(create(noun), 404) == ("NOT_FOUND", "there is no client with this RUT")
    assert crm.rows(f"SELECT * FROM {TABLES[noun]}") == []


@pytest.mark.parametrize("phone", [54545454, "54545454", 54545454.0])
def test_a_phone_is_the_same_as_a_number_and_as_text(with_client: Site, phone: object) -> None:
    assert created("client", ALICE | {"phone": phone}) == "CLIENT_UNCHANGED"
    assert with_client.rows("SELECT phone FROM CLIENTS") == [("54545454",)]


@pytest.mark.parametrize("phone", [999_999_999_999_999, "+123456789012345", "0000000"])
def test_the_longest_and_oddest_phones_keep_every_digit(crm: Site, phone: object) -> None:
    created("client", ALICE | {"phone": phone})
    assert read("11111111-1")["phone"] == str(phone)


def test_a_small_k_and_a_capital_k_are_the_same_client(crm: Site) -> None:
    small = RUT_WITH_K.lower()
    assert created("client", ALICE | {"rut": small}) == "CLIENT_CREATED"
    assert created("client", ALICE | {"rut": RUT_WITH_K}) == "CLIENT_UNCHANGED"
    assert created("partner", PARTNER | {"rut": small}) == "PARTNER_CREATED"
    assert created("benefit", BENEFIT | {"rut": small}) == "BENEFIT_CREATED"
    for rut in (small, RUT_WITH_K):
        assert read(rut)["rut"] == RUT_WITH_K
    assert crm.rows("SELECT rut FROM CLIENTS") == [(RUT_WITH_K,)]


@pytest.mark.parametrize(("spelling", "canonical"), SPELLINGS)
def test_every_spelling_of_a_rut_is_the_same_client(crm: Site, spelling: str, canonical: str) -> None:
    for noun, (_, sample, _) in CREATE.items():
        assert created(noun, sample | {"rut": spelling}) == f"{noun.upper()}_CREATED"
        for again in (canonical, "0" + canonical, spelling):
            assert created(noun, sample | {"rut": again}) == f"{noun.upper()}_UNCHANGED"
        assert crm.rows(f"SELECT rut FROM {TABLES[noun]}") == [(canonical,)]
    for each in (spelling, canonical, "0" + canonical, canonical.lower()):
        assert read(each)["rut"] == canonical
        assert set(read(each)) >= {"partner", "benefit"}


@pytest.mark.parametrize("noun", CREATE)
def test_spellings_of_one_rut_at_the_same_moment_leave_one_row_and_all_get_200(
    crm: Site, noun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spellings = ["7654321-6", "07654321-6", "007654321-6", "00000000007654321-6"] * 3
    if noun != "client":
        created("client", ALICE | {"rut": spellings[0]})
    bodies = [CREATE[noun][1] | {"rut": each} for each in spellings]
    codes = sorted(message_of(answer, 200)[0] for answer in at_once(crm, noun, bodies, monkeypatch))
    assert codes == [f"{noun.upper()}_CREATED"] + [f"{noun.upper()}_UNCHANGED"] * 11
    assert crm.rows(f"SELECT rut FROM {TABLES[noun]}") == [("7654321-6",)]


def test_a_client_is_read_with_what_belongs_to_it(crm: Site, the_contract: Contract) -> None:
    expected = ALICE | {"phone": "54545454"}
    created("client")
    assert read("11111111-1") == expected
    created("partner")
    assert read("11111111-1") == expected | {"partner": {"store": "ESTACION_CENTRAL"}}
    created("benefit", BENEFIT | {"wantsBenefit": False})
    record = read("11111111-1")
    assert record == expected | {"partner": {"store": "ESTACION_CENTRAL"}, "benefit": {"wantsBenefit": False}}
    assert isinstance(record["benefit"]["wantsBenefit"], bool)
    the_contract.validate("ClientRecord", record)


def test_an_unknown_client_is_404_and_a_wrong_rut_400(crm: Site) -> None:
    assert message_of(get_client.handler(get(rut="22222222-2"), None), 404)[0] == "NOT_FOUND"
    assert message_of(get_client.handler(get(rut="22222222-1"), None), 400)[0] == "INVALID_REQUEST"


@pytest.mark.parametrize(
    "text",
    ["María José", "李小龍", "محمد", "😀" * 100, "x" * 100, "'; DROP TABLE CLIENTS; --", "\\'\"%s{}", " a ", "ß"],
)
def test_names_come_back_as_they_were_sent(crm: Site, text: str) -> None:
    body = ALICE | {"name": text, "lastname": text}
    assert created("client", body) == "CLIENT_CREATED"
    assert created("client", body) == "CLIENT_UNCHANGED"
    record = read("11111111-1")
    assert (record["name"], record["lastname"]) == (text, text)


@pytest.mark.parametrize("noun", CREATE)
def test_the_correlation_id_stands_beside_the_row(with_client: Site, noun: str) -> None:
    with_client.rows("DELETE FROM CLIENTS WHERE %s = 'client'", noun)
    created(noun, X_LEAD_ID="lead-7")
    created(noun, X_LEAD_ID="lead-8")
    assert with_client.rows(f"SELECT lead_id FROM {TABLES[noun]}") == [("lead-7",)], "the lead that wrote it"


@pytest.mark.parametrize("noun", CREATE)
def test_without_a_correlation_id_there_is_none(with_client: Site, noun: str) -> None:
    created(noun)
    assert with_client.rows(f"SELECT lead_id FROM {TABLES[noun]}") == [(None,)]


@pytest.mark.parametrize("noun", CREATE)
def test_a_wrong_correlation_id_is_400_and_nothing_is_written(with_client: Site, noun: str) -> None:
    with_client.rows("DELETE FROM CLIENTS")
    message_of(create(noun, x_lead_id="a b"), 400)
    assert with_client.rows(f"SELECT * FROM {TABLES[noun]}") == []


@pytest.mark.parametrize("noun", CREATE)
def test_an_invalid_body_is_400_and_nothing_is_written(with_client: Site, noun: str) -> None:
    with_client.rows("DELETE FROM CLIENTS")
    for wrong in ({}, CREATE[noun][1] | {"rut": "11111111-2"}, CREATE[noun][1] | {"extra": 1}, []):
        assert message_of(create(noun, wrong), 400)[0] == "INVALID_REQUEST"
    assert with_client.rows(f"SELECT * FROM {TABLES[noun]}") == []


@pytest.mark.parametrize("noun", CREATE)
def test_twenty_at_once_with_the_same_request_leave_one_row_and_all_get_200(
    with_client: Site, noun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thread stands for an execution environment, with a connection of its own."""
    if noun == "client":
        with_client.rows("DELETE FROM CLIENTS")
    answers = at_once(with_client, noun, [CREATE[noun][1]] * 20, monkeypatch)
    codes = sorted(message_of(answer, 200)[0] for answer in answers)
    assert codes == [f"{noun.upper()}_CREATED"] + [f"{noun.upper()}_UNCHANGED"] * 19
    assert len(with_client.rows(f"SELECT * FROM {TABLES[noun]}")) == 1


def test_of_two_different_clients_under_one_rut_one_wins_and_the_other_is_told(
    crm: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [ALICE | {"name": "alice" if number % 2 else "bob"} for number in range(10)]
    answers = at_once(crm, "client", bodies, monkeypatch)
    [(winner,)] = crm.rows("SELECT name FROM CLIENTS")
    for body, answer in zip(bodies, answers, strict=True):
        message_of(answer, 200 if body["name"] == winner else 409)


def at_once(
    site: Site, noun: str, bodies: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    databases = [own_database(site) for _ in bodies]
    together = Barrier(len(bodies))
    for each in databases:
        each.transaction(lambda cursor: cursor.execute("SELECT 1"))

    def call(number: int) -> dict[str, Any]:
        waiting.number = number
        together.wait(10)
        return create(noun, bodies[number])

    waiting = _PerThread()
    monkeypatch.setattr(operation.database, "from_environment", lambda: databases[waiting.number])
    try:
        with ThreadPoolExecutor(len(bodies)) as pool:
            return list(pool.map(call, range(len(bodies))))
    finally:
        for each in databases:
            each._drop()


class _PerThread(local):
    number: int


def own_database(site: Site) -> database.Database:
    credentials = Credentials(**site.app_credentials())

    class Known:
        def get(self, *, fresh: bool = False) -> Credentials:
            return credentials

    return database.Database(site.address(), Known())


def test_the_logs_hold_the_lead_and_nothing_personal(crm: Site, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    password = crm.app_credentials()["password"]
    created("client", X_LEAD_ID="lead-7")
    created("client", X_LEAD_ID="lead-7")
    create("client", ALICE | {"name": "bob"}, X_LEAD_ID="lead-7")
    created("partner", X_LEAD_ID="lead-7")
    created("benefit", X_LEAD_ID="lead-7")
    read("11111111-1")
    create("client", ALICE | {"rut": "11111111-2"})
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert [line["message"] for line in lines] == [
        "client created",
        "client unchanged",
        "refused",
        "partner created",
        "benefit created",
        "refused",
    ]
    assert not [value for value in (*PERSONAL, "bob", password) if value in captured.out]
