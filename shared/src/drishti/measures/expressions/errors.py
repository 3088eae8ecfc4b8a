"""What is wrong with an expression, and where."""

from __future__ import annotations

from drishti.errors import DrishtiError


class ExpressionError(DrishtiError):
    """``message`` says what is wrong with the ``length`` characters from ``at`` on, from 0, and what would be right."""

    def __init__(self, message: str, at: int, length: int = 1) -> None:
        self.message, self.at, self.length = message, at, max(length, 1)
        super().__init__(f"character {at + 1}: {message}")

    def pointed(self, text: str) -> str:
        """Three lines for a terminal: the line of ``text``, carets under what is wrong, the message."""
        begin = text.rfind("\n", 0, self.at) + 1
        line = text[begin:].partition("\n")[0]
        column = self.at - begin
        return f"{line}\n{' ' * column}{'^' * min(self.length, max(len(line) - column, 1))}\n{self.message}"
