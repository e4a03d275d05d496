from dataclasses import replace
from io import StringIO

from rich.console import Console

from aisle.bags.truth import TrueSession
from aisle.cli.board import Board, difference
from aisle.records import Receipt, ReceiptLine, ReceiptState

COLA = ReceiptLine("cola", "Cola", 1, 199, 0.6)
ENTER = Receipt("s", 1, ReceiptState.OPEN, 10**9, "EUR", (), "enter")
TAKEN = replace(ENTER, revision=2, lines=(COLA,), stamp_ns=3 * 10**9)


def shown(board: Board) -> str:
    console = Console(file=StringIO(), width=120)
    console.print(board.render("head"))
    return console.file.getvalue()


def test_each_revision_gives_one_line_about_what_changed():
    board = Board()
    lines = [
        board.update(ENTER),
        board.update(TAKEN),
        board.update(replace(TAKEN, revision=3, lines=(replace(COLA, confidence=0.95),))),
        board.update(replace(TAKEN, revision=4, lines=(), state=ReceiptState.REVIEW)),
    ]
    texts = [line.plain for line in lines]
    assert texts[0].endswith("came in")
    assert "2.0 s" in texts[1]
    assert "+1 Cola (60%)" in texts[1]
    assert texts[1].endswith("1.99 EUR")
    assert "Cola now 95%" in texts[2]
    assert "-1 Cola" in texts[3]
    assert "review" in texts[3]


def test_old_and_repeated_revisions_change_nothing():
    board = Board()
    board.update(TAKEN)
    assert board.update(TAKEN) is None
    assert board.update(ENTER) is None
    assert board.receipts == {"s": TAKEN}
    assert board.updates == 1


def test_a_closed_receipt_is_judged_when_the_truth_is_known():
    board = Board()
    closed = replace(TAKEN, revision=5, state=ReceiptState.CLOSED)
    board.update(closed)
    assert board.verdict(closed).plain == ""
    line = board.truth(TrueSession("s", {"cola": 1}))
    assert "1 x Cola" in line.plain
    assert board.truth(TrueSession("s", {"cola": 1})) is None
    assert board.verdict(closed).plain == "exactly right"
    assert "exactly right" in shown(board)
    board.truths["s"] = TrueSession("s", {"cola": 2})
    assert board.verdict(closed).plain == "differs from the truth"


def test_control_characters_and_markup_do_not_reach_the_terminal():
    board = Board()
    nasty = replace(COLA, name="Co[bold]la\x1b[2J")
    board.update(replace(TAKEN, session="[red]s\x07", lines=(nasty,), review_reasons=("\x1b]x",)))
    text = shown(board)
    assert "Co[bold]la?[2J" in text
    assert "[red]s?" in text
    assert "\x1b" not in text


def test_of_many_reasons_for_review_only_some_are_listed():
    board = Board()
    reasons = tuple(f"reason {number}" for number in range(9))
    line = board.update(replace(TAKEN, state=ReceiptState.REVIEW, review_reasons=reasons))
    assert "reason 1" in line.plain
    assert "and 7 more" in line.plain
    text = shown(board)
    assert "reason 1" in text
    assert "reason 5" not in text
    assert "?" not in text


def test_an_empty_board_says_so():
    assert "no receipts yet" in shown(Board())


def test_a_first_sight_of_a_full_receipt_lists_it():
    assert "+1 Cola" in difference(None, TAKEN).plain
