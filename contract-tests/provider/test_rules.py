"""What openapi.yaml says in words only."""

from support import rut
from support.stack import Stack

CLIENT = {"name": "alice", "lastname": "cooper", "phone": 54545454, "mail": "acooper@alice.com"}


def test_a_repeated_request_writes_nothing_and_other_data_is_a_conflict(stack: Stack) -> None:
    client = {**CLIENT, "rut": rut.new()}
    assert stack.request("POST", "/create_client", client).status == 200
    again = stack.request("POST", "/create_client", client)
    assert (again.status, again.json()["message"]) == (200, "CLIENT_UNCHANGED")
    other = stack.request("POST", "/create_client", {**client, "name": "bob"})
    assert other.status == 409
    assert stack.request("GET", f"/clients/{client['rut']}").json()["name"] == "alice"
