"""Leads of every kind that the contract takes, from a seed."""

import json
import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from handlers.shared.rut import check_character

_NAMES = ("Ada", "Ñandú", "秀英", "Ольга", "O'Brien", 'Q"uote', "Ilse-Maria", "%s", "; DROP TABLE CLIENTS", "\\N")
_STORES = ("ESTACION_CENTRAL", "S1", "MAIPU_2")


@dataclass(eq=False)
class Lead:
    """`cause`: the state in which it has to fail, if it has to. `sent`: events put on the bus for it.

    `failures`: how many of its executions have to fail. `step`: the one whose vain try the logs have to tell.
    """

    data: dict[str, Any]
    id: str
    cause: str | None = None
    sent: int = 0
    failures: int = 0
    step: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def rut(self) -> str:
        return self.data["rut"]

    @property
    def detail(self) -> dict[str, Any]:
        return {**self.data, "leadId": self.id}

    @property
    def rows(self) -> dict[str, tuple[Any, ...]]:
        """The only rows that the CRM may hold for it, by table."""
        data = self.data
        return {
            "CLIENTS": (data["name"], data["lastname"], str(data["phone"]), data["mail"]),
            "PARTNER": (data["store"],),
            "BENEFIT": (int(data["wantsBenefit"]),),
        }

    @property
    def personal(self) -> list[str]:
        """What no log may hold."""
        return [self.rut, str(self.data["phone"]), self.data["mail"], json.dumps(self.data["lastname"])[1:-1]]


class Leads:
    """`random` decides everything but the ids, so that a seed gives the same leads in the same order."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._used: set[str] = set()

    def new(self, *, origin: str = "app") -> Lead:
        draw = self.random
        phone = draw.randrange(10**7, 10**15)
        mark = uuid.uuid4().hex
        return Lead(
            id=str(uuid.uuid4()),
            data={
                "name": draw.choice(_NAMES),
                "lastname": f"{draw.choice(_NAMES)} {mark[:12]}",
                "rut": self._rut(),
                "phone": draw.choice((phone, f"+{phone}")),
                "mail": f"{mark[12:]}@example.com",
                "store": draw.choice(_STORES),
                "wantsBenefit": draw.random() < 0.5,
                "origin": origin,
            },
        )

    def _rut(self) -> str:
        while True:
            digits = str(10_000_000 + uuid.uuid4().int % 80_000_000)
            if digits not in self._used:
                self._used.add(digits)
                return f"{digits}-{check_character(digits)}"
