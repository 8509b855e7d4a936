"""Files of leads as people's programs break them."""

import re

from hypothesis import strategies as st

from operations import contract
from operations.records import bare
from tests.stack import new_lead

FIELDS = contract.load().fields("Lead")
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
PIECES = st.sampled_from(
    ['"', '""', ",", ";", "\t", "a", "Ñandú", " ", "\0", "\x0b", "\x1b[2J", "\u2028", "\ufeff", "=1+1", "x" * 5000]
)
HOSTILE = st.lists(PIECES, max_size=12).map("".join)
QUOTED = ['"{}', '{}"', '"{}"', '"{}"x', '""{}"', '"{}\nmore"', '"\r\n{}"', '"{}""\r"']
COLUMNS = (*FIELDS, "_note")


def lead_cells(number: int) -> list[str]:
    lead = {**new_lead(name=f"Name {number}"), "wantsBenefit": "yes"}
    return [str(lead[field]) for field in FIELDS] + ["a note"]


@st.composite
def csv_files(draw: st.DrawFn) -> tuple[str, str, dict[int, list[str]]]:
    """The text, its delimiter, and the cells of its good lines by number; all others are hostile."""
    delimiter = draw(st.sampled_from(",;\t"))
    lines = [delimiter.join(COLUMNS)]
    good = {}
    for kind in draw(
        st.lists(st.sampled_from(["good", "hostile", "blank", "short", "long", "quoted"]), max_size=14)
    ):
        cells = lead_cells(len(lines))
        if kind == "good":
            good[delimiter.join(cells)] = cells
        elif kind == "short":
            cells = cells[: draw(st.integers(1, len(cells) - 1))]
        elif kind == "long":
            cells += draw(st.lists(st.sampled_from(["", "more"]), min_size=1, max_size=3))
        elif kind == "quoted":  # one cell opens a quote, or closes one, or both
            place = draw(st.integers(0, len(cells) - 1))
            cells[place] = draw(st.sampled_from(QUOTED)).format(cells[place])
        others = {"hostile": HOSTILE, "blank": st.sampled_from(["", "  ", delimiter * 3])}
        lines.append(draw(others[kind]) if kind in others else delimiter.join(cells))
    text = "".join(line + draw(ENDS) for line in lines)
    if draw(st.booleans()):
        text = bare(text)
    numbers = enumerate(map(bare, LINE.findall(text)), start=1)
    return text, delimiter, {number: good[line] for number, line in numbers if line in good}
