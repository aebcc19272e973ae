"""A small scanner for C++ text: blanks what is not code, and finds function bodies by matching braces."""

import re
from typing import Iterator, NamedTuple

_TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
_NOT_A_FUNCTION = re.compile(r"\b(?:if|for|while|switch|catch|namespace|class|struct|union|enum|return|do|else)\b|=\s*$")


def _blank(match) -> str:
    return re.sub(r"[^\n]", " ", match.group(0))


def without_comments(text: str) -> str:
    """The text with comments blanked; string literals stay."""
    return _TOKENS.sub(lambda m: _blank(m) if m.group(0).startswith("/") else m.group(0), text)


def code_only(text: str) -> str:
    """The text with comments, literals and preprocessor lines blanked; offsets and lines stay."""
    return _DIRECTIVE.sub(_blank, _TOKENS.sub(_blank, text))


class Function(NamedTuple):
    name: str
    start: int  # offset of the opening brace
    end: int  # offset of the closing brace


def _matching_brace(code: str, start: int) -> int:
    depth = 0
    for match in re.compile(r"[{}]").finditer(code, start):
        depth += 1 if match.group(0) == "{" else -1
        if depth == 0:
            return match.start()
    return len(code) - 1


def _name(header: str) -> str:
    match = re.search(r"([~\w:]+|operator\W+)\s*\(", header)
    return match.group(1).strip() if match else "?"


def functions(code: str) -> Iterator[Function]:
    """Outermost functions of text that code_only has cleaned. Lambdas and local types belong to their function."""
    header_start = 0
    position = 0
    delimiter = re.compile(r"[;{}]")
    while match := delimiter.search(code, position):
        position = match.end()
        header = code[header_start:match.start()]
        if match.group(0) != "{":
            header_start = position
            continue
        if ")" not in header or _NOT_A_FUNCTION.search(_outside_parentheses(header)):
            header_start = position
            continue
        end = _matching_brace(code, match.start())
        position = end + 1
        # A brace pair followed by a comma or another brace belongs to a constructor's initializers.
        if re.match(r"\s*[,{]", code[position:]):
            continue
        yield Function(_name(header), match.start(), end)
        header_start = position


def _outside_parentheses(header: str) -> str:
    while True:
        shorter = re.sub(r"\([^()]*\)", " ", header)
        # What a template parameter list says (class T) does not make the entity a class.
        shorter = re.sub(r"<[^<>]*>", " ", shorter)
        if shorter == header:
            return header
        header = shorter
