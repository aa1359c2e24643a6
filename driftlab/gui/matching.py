"""How well what is typed matches a text: its letters in order, better where they begin words or stand together."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Match", "match"]

#: What a letter is worth at the start of the text, at the start of a word, next to the one before it, or anywhere.
FIRST, WORD, NEXT, ANY = 6.0, 4.0, 5.0, 0.0
#: What is lost for every letter of the text.
LENGTH = 0.01


@dataclass(frozen=True)
class Match:
    """The larger the score the better; `places` are the letters of the text that were typed."""

    score: float
    places: tuple[int, ...]


def match(typed: str, text: str) -> Match | None:
    """The best match of the letters of `typed`, spaces aside and in any case; None where they are not all there."""
    wanted, letters = typed.lower().replace(" ", ""), text.lower()
    # Best of all ways that end with the last wanted letter at a place of the text, by that place.
    best: dict[int, Match] = {}
    for number, letter in enumerate(wanted):
        ways: dict[int, Match] = {}
        for place, found in enumerate(letters):
            if found != letter:
                continue
            if number == 0:
                ways[place] = Match(_worth(letters, place), (place,))
                continue
            earlier = [
                (way.score + (NEXT if end == place - 1 else 0.0), end) for end, way in best.items() if end < place
            ]
            if earlier:
                score, end = max(earlier)
                ways[place] = Match(score + _worth(letters, place), (*best[end].places, place))
        best = ways
    if not wanted:
        return Match(0.0, ())
    if not best:
        return None
    chosen = max(best.values(), key=lambda way: way.score)
    return Match(chosen.score - LENGTH * len(text), chosen.places)


def _worth(letters: str, place: int) -> float:
    if place == 0:
        return FIRST
    return ANY if letters[place - 1].isalnum() else WORD
