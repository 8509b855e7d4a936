"""A mutant: one deliberate breakage of the product, as a row of data."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial

KINDS = ("handlers", "contract", "gateway", "database")


class MutantError(Exception):
    """A row that can't be applied, or a bench that can't be trusted; the text says which and why."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """`old` becomes `new` in `file`.

    `old` stands there once, or `after` does, and its first place behind that is meant. `killers`: pytest
    arguments below contract-tests, tried first. `harmless`: why it does no harm if every test lets it pass.
    """

    kind: str
    name: str
    file: str
    old: str
    new: str
    after: str = ""
    killers: tuple[str, ...] = ()
    harmless: str = ""

    @property
    def title(self) -> str:
        return f"{self.kind}: {self.name}"

    def apply(self, text: str) -> str:
        """The mutated source. Raise MutantError when the source is not what the row was written for."""
        start = 0
        if self.after:
            self._require_one(text, self.after)
            start = text.index(self.after) + len(self.after)
            if self.old not in text[start:]:
                raise self._stale(f"{self.old!r} does not stand behind {self.after!r}")
        else:
            self._require_one(text, self.old)
        if self.old == self.new:
            raise self._stale("it changes nothing")
        place = text.index(self.old, start)
        return text[:place] + self.new + text[place + len(self.old) :]

    def _require_one(self, text: str, part: str) -> None:
        if text.count(part) != 1:
            raise self._stale(f"{part!r} stands there {text.count(part)} times, not once")

    def _stale(self, reason: str) -> MutantError:
        return MutantError(f"{self.title}: {self.file}: {reason}; mend the row")


Row = Callable[..., Mutant]


def rows(kind: str, file: str, *killers: str) -> Row:
    """A maker of rows for one file: `row("a name", "old", "new", killers=…)`; `killers` are those of most rows."""

    def row(
        name: str,
        old: str,
        new: str,
        *,
        after: str = "",
        killers: str | tuple[str, ...] = killers,
        harmless: str = "",
    ) -> Mutant:
        named = (killers,) if isinstance(killers, str) else killers
        return make(name=name, old=old, new=new, after=after, killers=named, harmless=harmless)

    make = partial(Mutant, kind=kind, file=file)
    return row


def chosen(mutants: Iterable[Mutant], patterns: str) -> list[Mutant]:
    """Those whose title or file matches one of the patterns, which commas separate: `handlers*`, or a part.

    Raise MutantError for a pattern that matches none.
    """
    mutants = list(mutants)
    found: set[str] = set()
    for pattern in (each.strip() for each in patterns.split(",")):
        wanted = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
        matching = {
            mutant.title
            for mutant in mutants
            if any(fnmatchcase(text, wanted) for text in (mutant.title, mutant.file))
        }
        if not matching:
            raise MutantError(f"no mutant's title or file matches {pattern!r}; --list prints all {len(mutants)}")
        found |= matching
    return [mutant for mutant in mutants if mutant.title in found]
